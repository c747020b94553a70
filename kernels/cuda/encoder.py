"""Launches encoder.cu: twin of minieqt/blocks/encoder.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cuda.correlate import correlate, weight_gradient
from kernels.cuda.launch import contiguous, empty
from kernels.cuda.layout import BACKWARD, FORWARD, Weights

Array = Any


def encoder_stage_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, ⌈T / 2⌉), cache."""
    x, W, b = contiguous(x), contiguous(W), contiguous(b)
    (B, C, T), (O, _, K) = x.shape, W.shape
    y, origin = empty(x, (B, O, -(-T // 2))), empty(x, (B, O, -(-T // 2)), np.uint8)
    arguments = x, b, y, origin, C, O, K, T
    correlate("encoder.cu", "encoder_stage_forward", Weights(W, FORWARD), arguments, B, C, O, K, T)
    return y, (x, W, origin)


def encoder_stage_backward(dy: Array, cache: Any, of_input: bool = True) -> tuple[Array | None, Array, Array]:
    """dy (B, O, ⌈T / 2⌉) -> dx (B, C, T) or None, dW (O, C, K), db (O)."""
    x, W, origin = cache
    dy, (B, C, T), (O, _, K) = contiguous(dy), x.shape, W.shape
    dx = empty(x, x.shape) if of_input else None
    if of_input:
        arguments = dy, origin, dx, C, O, K, T
        correlate("encoder.cu", "encoder_stage_input_gradient", Weights(W, BACKWARD), arguments, B, O, C, K, T)

    def of_weights(partial: Array) -> tuple:
        return dy, origin, x, partial, B, C, O, K, T

    dW, db = weight_gradient("encoder.cu", "encoder_stage_weight_gradient", of_weights, x, B, C, O, K, T)
    return dx, dW, db
