"""Twin of minieqt/blocks/rescnn.py: normalisation, ReLU and dropout in one pass, then the convolution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.batchnorm import EPS, channel_gradient
from kernels.cpu.compile import compiled_parallel
from kernels.cpu.conv1d import conv1d_backward, conv1d_forward

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
    x, a = np.ascontiguousarray(x), np.empty(x.shape, np.float32)
    factors = np.ones((*x.shape[:2], 1), np.float32) if mask is None else mask
    normalise_relu(x, gamma, beta, mean, variance, factors, a)
    y, conv_cache = conv1d_forward(a, W, b)
    return y, (x, gamma, mean, variance, factors, a, conv_cache)


def rescnn_half_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dgamma, dbeta (C), dW (O, C, K), db (O)."""
    x, gamma, mean, variance, factors, a, conv_cache = cache
    da, dW, db = conv1d_backward(dy, conv_cache)
    through_relu(da, a, factors)
    dx, dgamma, dbeta = np.empty_like(x), np.empty_like(gamma), np.empty_like(gamma)
    inverse_std = 1 / np.sqrt(variance + EPS)
    channel_gradient(da, x, gamma, mean, inverse_std, dx, dgamma, dbeta)
    return dx, dgamma, dbeta, dW, db


@compiled_parallel
def normalise_relu(
    x: Array, gamma: Array, beta: Array, mean: Array, variance: Array, factors: Array, a: Array
) -> None:
    """a = factors · relu(batchnorm(x)); x, a (B, C, T), gamma beta mean variance (C), factors (B, C, 1)."""
    B, C, T = x.shape
    for n in prange(B):
        for c in range(C):
            row, into = x[n, c], a[n, c]
            scale = gamma[c] / np.sqrt(variance[c] + np.float32(EPS))
            for t in range(T):
                into[t] = factors[n, c, 0] * max(scale * (row[t] - mean[c]) + beta[c], np.float32(0))


@compiled_parallel
def through_relu(da: Array, a: Array, factors: Array) -> None:
    """da, in place, back through the dropout's factors and the ReLU: zero wherever a is not positive."""
    B, C, T = a.shape
    for n in prange(B):
        for c in range(C):
            gradient, outputs = da[n, c], a[n, c]
            for t in range(T):
                passed = gradient[t] * factors[n, c, 0]  # worked out in any case, so that the loop runs on vectors
                gradient[t] = passed if outputs[t] > 0 else np.float32(0)
