"""Launches conv1d.cu, or head.cu where there is one filter: twin of minieqt/layers/conv1d.py."""

from __future__ import annotations

from typing import Any

from kernels.cuda import head
from kernels.cuda.correlate import correlate, weight_gradient
from kernels.cuda.launch import contiguous, empty
from kernels.cuda.layout import BACKWARD, FORWARD, Weights

Array = Any


def conv1d_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, T), cache."""
    x, W, b = contiguous(x), contiguous(W), contiguous(b)
    (B, C, T), (O, _, K) = x.shape, W.shape
    y = empty(x, (B, O, T))
    if head.fits(W):
        head.head_forward(x, W, b, y)
    else:
        correlate("conv1d.cu", "conv1d_forward", Weights(W, FORWARD), (x, b, y, C, O, K, T), B, C, O, K, T)
    return y, (x, W)


def conv1d_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, W = cache
    dy, (B, C, T), (O, _, K) = contiguous(dy), x.shape, W.shape
    dx = empty(x, x.shape)
    correlate("conv1d.cu", "conv1d_input_gradient", Weights(W, BACKWARD), (dy, dx, C, O, K, T), B, O, C, K, T)
    return dx, *(head.head_weight_gradient(dy, x) if head.fits(W) else conv1d_weight_gradient(dy, x, K))


def conv1d_weight_gradient(dy: Array, x: Array, K: int) -> tuple[Array, Array]:
    """dy (B, O, T), x (B, C, T), contiguous, and the number of taps -> dW (O, C, K), db (O)."""
    (B, C, T), O = x.shape, dy.shape[1]

    def arguments(partial: Array) -> tuple:
        return dy, x, partial, B, C, O, K, T

    return weight_gradient("conv1d.cu", "conv1d_weight_gradient", arguments, x, B, C, O, K, T)
