"""Launches conv1d.cu, or head.cu where there is one filter: twin of minieqt/layers/conv1d.py."""

from __future__ import annotations

from typing import Any

from . import head
from .correlate import Prepared, correlate, prepare, weight_gradient
from .launch import contiguous, empty
from .layout import BACKWARD, FORWARD, Convolution

Array = Any


def conv1d_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, T), cache."""
    x, W, b = contiguous(x), contiguous(W), contiguous(b)
    (B, C, T), (O, _, K) = x.shape, W.shape
    y, gradient = empty(x, (B, O, T)), Convolution(W, BACKWARD, O, C, K, T)
    if head.fits(W):
        head.head_forward(x, W, b, y)
        return y, (x, *prepare(gradient))
    own, of_input = prepare(Convolution(W, FORWARD, C, O, K, T), gradient)
    correlate("conv1d.cu", "conv1d_forward", own, (x, b, y, C, O, K, T), B)
    return y, (x, of_input)


def conv1d_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, of_input = cache
    dy, W = contiguous(dy), of_input.convolution.W
    dx = conv1d_input_gradient(dy, of_input)
    return dx, *(head.head_weight_gradient(dy, x) if head.fits(W) else conv1d_weight_gradient(dy, x, W.shape[2]))


def conv1d_input_gradient(dy: Array, of_input: Prepared) -> Array:
    """dy (B, O, T), contiguous -> dx (B, C, T)."""
    (B, O, T), (_, _, _, C, K, _, _) = dy.shape, of_input.convolution
    dx = empty(dy, (B, C, T))
    correlate("conv1d.cu", "conv1d_input_gradient", of_input, (dy, dx, C, O, K, T), B)
    return dx


def conv1d_weight_gradient(dy: Array, x: Array, K: int) -> tuple[Array, Array]:
    """dy (B, O, T), x (B, C, T), contiguous, and the number of taps -> dW (O, C, K), db (O)."""
    (B, C, T), O = x.shape, dy.shape[1]

    def arguments(partial: Array) -> tuple:
        return dy, x, partial, B, C, O, K, T

    return weight_gradient("conv1d.cu", "conv1d_weight_gradient", arguments, x, B, C, O, K, T)
