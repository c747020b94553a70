"""Winograd's convolution F(n, r): n outputs of r taps from n + r - 1 products instead of n · r.

    y_i = Σ_k g_k d_{i+k}      y = Aᵀ [(G g) ⊙ (Bᵀ d)]      d (n + r - 1), g (r), y (n)

A product of two polynomials follows from their values at as many nodes as it has coefficients. A convolution is the
transpose of that (Winograd 1980; Lavin & Gray 2016). With nodes p_j, N(x) = Π (x - p_j), and ∞ for a node at which a
polynomial's value is its highest coefficient,

    Bᵀ_j   coefficients of N(x) / (x - p_j);   of N(x) for ∞
    G_jk   p_j^k / N'(p_j);                    1 for ∞ and the last k
    A_ji   p_j^i;                              1 for ∞ and the last i

Bᵀ is called the input transform, G the kernel transform, Aᵀ the output transform. Here d, y and the products are rows
of samples (layout.py), so that a transform is a few sums of whole rows. Backward uses the same matrices: A takes dy to
the nodes, where it is multiplied by weights and by inputs, B brings back an input's gradient and Gᵀ a kernel's.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ..simd.transform import transform

Array = Any

NODES = [Fraction(node) for node in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "4", "-4")]  # pairs ± p share sums


class Winograd(NamedTuple):
    """F(outputs, taps): its Bᵀ, G and Aᵀ."""

    outputs: int
    taps: int
    input: Array  # Bᵀ (nodes, nodes)
    kernel: Array  # G (nodes, taps)
    output: Array  # Aᵀ (outputs, nodes)


def winograd(outputs: int, taps: int) -> Winograd:
    """The matrices of F(outputs, taps), float64, rounded once; ∞ is a node where their number is even."""
    count = outputs + taps - 1
    nodes = NODES[: count if count % 2 else count - 1]
    Bt, G, At = np.zeros((count, count)), np.zeros((count, taps)), np.zeros((outputs, count))
    for j, node in enumerate(nodes):
        others = nodes[:j] + nodes[j + 1 :]
        slope = math.prod(node - other for other in others)
        Bt[j, : len(nodes)] = polynomial(others)
        G[j] = [node**k / slope for k in range(taps)]
        At[:, j] = [node**i for i in range(outputs)]
    if len(nodes) < count:
        Bt[-1] = polynomial(nodes)
        G[-1, -1] = At[-1, -1] = 1
    return Winograd(outputs, taps, Bt, G, At)


def polynomial(roots: list[Fraction]) -> list[Fraction]:
    """Coefficients of Π (x - root), the constant first."""
    coefficients = [Fraction(1)]
    for root in roots:
        higher, lower = [Fraction(0), *coefficients], [*coefficients, Fraction(0)]
        coefficients = [a - root * b for a, b in zip(higher, lower, strict=True)]
    return coefficients


# What the decoder's stages need (layout.py); F(1, 1) is a plain product.
METHODS = [winograd(1, 1), winograd(2, 3), winograd(4, 3), winograd(4, 4), winograd(4, 5), winograd(4, 6)]
MOST_NODES = max(len(method.input) for method in METHODS)
KERNEL_TRANSFORMS = np.zeros((len(METHODS), MOST_NODES, MOST_NODES), np.float32)  # all G, for compiled code
for number, method in enumerate(METHODS):
    KERNEL_TRANSFORMS[number, : len(method.kernel), : method.taps] = method.kernel

input_transform = transform([method.input for method in METHODS])
output_transform = transform([method.output for method in METHODS], relu=True)
output_transform_backward = transform([method.output.T for method in METHODS], gate=True)
input_transform_backward = transform([method.input.T for method in METHODS], add=True)
