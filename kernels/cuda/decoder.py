"""Launches decoder.cu, or where no pair of samples is cut decoder_folded.cu: twin of minieqt/blocks/decoder.py."""

from __future__ import annotations

from typing import Any

from .correlate import correlate, prepare, weight_gradient
from .decoder_folded import folded_forward, folded_input_gradient, folded_weight_gradient
from .launch import contiguous, empty
from .layout import BACKWARD, FORWARD, Convolution

Array = Any

FOLDED = True  # False: decoder.cu for every stage, to compare


def foldable(crop: tuple[int, int]) -> bool:
    """Whether decoder_folded.cu can be used."""
    return FOLDED and crop[0] % 2 == crop[1] % 2 == 0


def decoder_stage_forward(x: Array, W: Array, b: Array, crop: tuple[int, int] = (0, 0)) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O), crop of each end -> y (B, O, 2T - left - right), cache."""
    x, W, b = contiguous(x), contiguous(W), contiguous(b)
    (B, C, T), (O, _, K) = x.shape, W.shape
    L = 2 * T - sum(crop)
    y = empty(x, (B, O, L))
    if foldable(crop):
        return y, (x, folded_forward(x, W, b, y, crop[0]), y, crop)
    own, gradient = prepare(Convolution(W, FORWARD, C, O, K, L), Convolution(W, BACKWARD, O, C, K, 2 * T))
    correlate("decoder.cu", "decoder_stage_forward", own, (x, b, y, C, O, K, T, crop[0], L), B)
    return y, (x, gradient, y, crop)


def decoder_stage_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, 2T - left - right) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, gradient, y, crops = cache
    dy, (B, C, T), (O, _, K), L = contiguous(dy), x.shape, gradient.convolution.W.shape, y.shape[2]
    dx, crop = empty(x, x.shape), crops[0]
    if foldable(crops):
        folded_input_gradient(dy, y, gradient, dx, crop)
        return dx, *folded_weight_gradient(dy, y, x, K, crop)
    correlate("decoder.cu", "decoder_stage_input_gradient", gradient, (dy, y, dx, C, O, K, T, crop, L), B)

    def of_weights(partial: Array) -> tuple:
        return dy, y, x, partial, B, C, O, K, T, crop, L

    dW, db = weight_gradient("decoder.cu", "decoder_stage_weight_gradient", of_weights, x, B, C, O, K, L)
    return dx, dW, db
