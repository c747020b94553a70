"""Winograd's convolution F(n, r): n outputs of r taps from n + r - 1 products instead of n · r.

    y_i = Σ_k g_k d_{i+k}      y = Aᵀ [(G g) ⊙ (Bᵀ d)]      d (n + r - 1), g (r), y (n)

A product of two polynomials can be had from their values at as many nodes as it has coefficients. A convolution is
that, transposed (Winograd 1980; Lavin & Gray 2016). With nodes p_j, N(x) = Π (x - p_j), and ∞ for a node at which a
polynomial's value is its highest coefficient,

    Bᵀ_j   coefficients of N(x) / (x - p_j);   of N(x) for ∞
    G_jk   p_j^k / N'(p_j);                    1 for ∞ and the last k
    A_ji   p_j^i;                              1 for ∞ and the last i

Here d, y and the products are rows of samples (phases.py), so that a transform is a few sums of whole rows. Backward
uses the same matrices: A takes dy to the nodes, where it is multiplied by weights and by inputs, B brings back an
input's gradient and Gᵀ a weight's.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from kernels.cpu.simd.transform import transform

Array = Any

NODES = [Fraction(node) for node in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "4", "-4")]  # pairs ± p share sums


class Winograd(NamedTuple):
    """F(outputs, taps): its Bᵀ, G and Aᵀ."""

    outputs: int
    taps: int
    to_nodes: Array
    weights: Array
    from_nodes: Array


def winograd(outputs: int, taps: int) -> Winograd:
    """The matrices of F(outputs, taps), float64, rounded once; ∞ is a node where their number is even."""
    count = outputs + taps - 1
    nodes = NODES[: count if count % 2 else count - 1]
    to_nodes, weights, from_nodes = np.zeros((count, count)), np.zeros((count, taps)), np.zeros((outputs, count))
    for j, node in enumerate(nodes):
        others = nodes[:j] + nodes[j + 1 :]
        slope = math.prod(node - other for other in others)
        to_nodes[j, : len(nodes)] = polynomial(others)
        weights[j] = [node**k / slope for k in range(taps)]
        from_nodes[:, j] = [node**i for i in range(outputs)]
    if len(nodes) < count:
        to_nodes[-1] = polynomial(nodes)
        weights[-1, -1] = from_nodes[-1, -1] = 1
    return Winograd(outputs, taps, to_nodes, weights, from_nodes)


def polynomial(roots: list[Fraction]) -> list[Fraction]:
    """Coefficients of Π (x - root), the constant first."""
    coefficients = [Fraction(1)]
    for root in roots:
        higher, lower = [Fraction(0), *coefficients], [*coefficients, Fraction(0)]
        coefficients = [a - root * b for a, b in zip(higher, lower, strict=True)]
    return coefficients


# What the decoder's stages need (phases.py); F(1, 1) is no more than a product.
METHODS = [winograd(1, 1), winograd(2, 3), winograd(4, 3), winograd(4, 4), winograd(4, 5), winograd(4, 6)]
MOST_NODES = max(len(method.to_nodes) for method in METHODS)
WEIGHTS = np.zeros((len(METHODS), MOST_NODES, MOST_NODES), np.float32)  # all G, for compiled code
for number, method in enumerate(METHODS):
    WEIGHTS[number, : len(method.weights), : method.taps] = method.weights

to_nodes = transform([method.to_nodes for method in METHODS])
from_nodes = transform([method.from_nodes for method in METHODS], relu=True)
gradient_to_nodes = transform([method.from_nodes.T for method in METHODS], gate=True)
gradient_from_nodes = transform([method.to_nodes.T for method in METHODS], add=True)
