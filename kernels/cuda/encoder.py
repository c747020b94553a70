"""Launches encoder.cu: twin of minieqt/blocks/encoder.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from .correlate import correlate, prepare, weight_gradient
from .launch import contiguous, empty
from .layout import BACKWARD, FORWARD, Convolution

Array = Any


def encoder_stage_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, ⌈T / 2⌉), cache."""
    x, W, b = contiguous(x), contiguous(W), contiguous(b)
    (B, C, T), (O, _, K) = x.shape, W.shape
    y, origin = empty(x, (B, O, -(-T // 2))), empty(x, (B, O, -(-T // 2)), np.uint8)
    own, gradient = prepare(Convolution(W, FORWARD, C, O, K, T), Convolution(W, BACKWARD, O, C, K, T))
    correlate("encoder.cu", "encoder_stage_forward", own, (x, b, y, origin, C, O, K, T), B)
    return y, (x, gradient, origin)


def encoder_stage_backward(dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array | None, Array, Array]:
    """dy (B, O, ⌈T / 2⌉) -> dx (B, C, T) or None, dW (O, C, K), db (O)."""
    x, gradient, origin = cache
    dy, (B, C, T), (O, _, K) = contiguous(dy), x.shape, gradient.convolution.W.shape
    dx = empty(x, x.shape) if need_dx else None
    if need_dx:
        correlate("encoder.cu", "encoder_stage_input_gradient", gradient, (dy, origin, dx, C, O, K, T), B)

    def of_weights(partial: Array) -> tuple:
        return dy, origin, x, partial, B, C, O, K, T

    dW, db = weight_gradient("encoder.cu", "encoder_stage_weight_gradient", of_weights, x, B, C, O, K, T)
    return dx, dW, db
