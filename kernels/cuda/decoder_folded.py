"""Launches decoder_folded.cu: a decoder stage whose crops are even, with about half of decoder.cu's multiplications."""

from __future__ import annotations

from typing import Any

from .correlate import Prepared, correlate, partial_gradients, prepare
from .launch import empty
from .layout import BACKWARD, FOLDED, Convolution
from .sums import launch_sums

Array = Any


def pairs(K: int, crop: int, L: int) -> tuple[int, int]:
    """How many pairs of outputs there are, and the first sample that the first of them reads: M and m0."""
    d = (K - 1) // 2 - crop
    m0 = -((d + 1) // 2)
    return (L - 1 - d) // 2 - m0 + 1, m0


def folded_forward(x: Array, W: Array, b: Array, y: Array, crop: int) -> Prepared:
    """x (B, C, T), W (O, C, K), b (O) -> fills y (B, O, L); crop: how many samples of the left end are left out.

    Returns what `folded_input_gradient` needs of W.
    """
    (B, C, T), (O, _, K), L = x.shape, W.shape, y.shape[2]
    (M, m0), J, Q = pairs(K, crop, L), K // 2 + 1, 1 - crop + (K - 1) // 2 | 1
    of_input = Convolution(W, FOLDED + BACKWARD, 2 * O, C, J, T, Q)
    own, gradient = prepare(Convolution(W, FOLDED, C, 2 * O, J, M), of_input)
    correlate("decoder_folded.cu", "folded_stage_forward", own, (x, b, y, C, O, K, T, crop, L, M, m0), B)
    return gradient


def folded_input_gradient(dy: Array, y: Array, gradient: Prepared, dx: Array, crop: int) -> None:
    """dy, y (B, O, L) -> fills dx (B, C, T)."""
    (B, C, T), (O, _, K), Q = dx.shape, gradient.convolution.W.shape, gradient.convolution.Q
    arguments = dy, y, dx, C, O, K, T, crop, y.shape[2], Q
    correlate("decoder_folded.cu", "folded_stage_input_gradient", gradient, arguments, B)


def folded_weight_gradient(dy: Array, y: Array, x: Array, K: int, crop: int) -> tuple[Array, Array]:
    """dy, y (B, O, L), x (B, C, T), K taps -> dW (O, C, K), db (O)."""
    (B, C, T), (_, O, L) = x.shape, y.shape
    M, m0 = pairs(K, crop, L)

    def arguments(partial: Array) -> tuple:
        return dy, y, x, partial, B, C, O, K, T, crop, L, M, m0

    kernel = "decoder_folded.cu", "folded_stage_weight_gradient"
    partial = partial_gradients(*kernel, arguments, x, B, C, 2 * O, K // 2 + 1, M)
    dW, db = empty(x, (O, C, K)), empty(x, O)
    launch_sums(kernel[0], "unfold", dW.size + O, (partial, dW, db, len(partial), C, O, K))
    return dW, db
