"""Launches rescnn.cu: twin of minieqt/blocks/rescnn.py."""

from __future__ import annotations

from typing import Any

from .batchnorm import batchnorm_backward
from .correlate import correlate, prepare, weight_gradient
from .launch import contiguous, empty, module_of
from .layout import BACKWARD, FORWARD, Convolution

Array = Any


def rescnn_half_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    mean: Array,
    variance: Array,
    W: Array,
    b: Array,
    mask: Array | None = None,
) -> tuple[Array, Any]:
    """x (B, C, T), gamma beta mean variance (C), W (O, C, K), b (O), mask (B, C, 1) -> y (B, O, T), cache."""
    x, W, b = contiguous(x), contiguous(W), contiguous(b)
    (B, C, T), (O, _, K) = x.shape, W.shape
    factors = module_of(x).ones((B, C), x.dtype) if mask is None else contiguous(mask)
    half, y = (x, gamma, beta, mean, variance, factors), empty(x, (B, O, T))
    own, gradient = prepare(Convolution(W, FORWARD, C, O, K, T), Convolution(W, BACKWARD, O, C, K, T))
    correlate("rescnn.cu", "rescnn_half_forward", own, (*half, b, y, C, O, K, T), B)
    return y, (half, gradient)


def rescnn_half_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dgamma, dbeta (C), dW (O, C, K), db (O)."""
    half, gradient = cache
    x, gamma, _, mean, variance, _ = half
    dy, (B, C, T), (O, _, K) = contiguous(dy), x.shape, gradient.convolution.W.shape
    dnormalised = empty(x, x.shape)
    correlate("rescnn.cu", "rescnn_half_input_gradient", gradient, (dy, *half, dnormalised, C, O, K, T), B)

    def of_weights(partial: Array) -> tuple:
        return dy, *half, partial, B, C, O, K, T

    dW, db = weight_gradient("rescnn.cu", "rescnn_half_weight_gradient", of_weights, x, B, C, O, K, T)
    dx, dgamma, dbeta = batchnorm_backward(dnormalised, (x, gamma, mean, variance))
    return dx, dgamma, dbeta, dW, db
