"""Twin of minieqt/layers/batchnorm.py: each channel is one piece of work, so that its sums have one order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from .runtime.compile import compiled_parallel

Array = Any

EPS = 1e-3  # as in the definition


def batch_statistics(x: Array) -> tuple[Array, Array]:
    """x (B, C, T) -> mean (C), biased variance (C)."""
    mean, variance = np.empty(x.shape[1], np.float32), np.empty(x.shape[1], np.float32)
    channel_statistics(np.ascontiguousarray(x), mean, variance)
    return mean, variance


def batchnorm_forward(x: Array, gamma: Array, beta: Array, mean: Array, variance: Array) -> tuple[Array, Any]:
    """x (B, C, T), gamma beta mean variance (C) -> y (B, C, T), cache."""
    x, y = np.ascontiguousarray(x), np.empty(x.shape, np.float32)
    inverse_std = 1 / np.sqrt(variance + EPS)
    normalise(x, mean, gamma * inverse_std, beta, y)
    return y, (x, gamma, mean, inverse_std)


def batchnorm_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dgamma (C), dbeta (C); mean and variance are the batch's own."""
    x, gamma, mean, inverse_std = cache
    dx, dgamma, dbeta = np.empty_like(x), np.empty_like(gamma), np.empty_like(gamma)
    channel_gradient(np.ascontiguousarray(dy), x, gamma, mean, inverse_std, dx, dgamma, dbeta)
    return dx, dgamma, dbeta


@compiled_parallel
def channel_statistics(x: Array, mean: Array, variance: Array) -> None:
    """Mean and biased variance of each channel of x (B, C, T), in two passes: no cancellation."""
    B, C, T = x.shape
    for c in prange(C):
        total = np.float32(0)
        for n in range(B):
            total += x[n, c].sum()
        centre = total / np.float32(B * T)
        squares = np.float32(0)
        for n in range(B):
            row = x[n, c]
            for t in range(T):
                squares += (row[t] - centre) * (row[t] - centre)
        mean[c], variance[c] = centre, squares / np.float32(B * T)


@compiled_parallel
def normalise(x: Array, mean: Array, scale: Array, beta: Array, y: Array) -> None:
    """y = scale (x - mean) + beta, channel by channel; x, y (B, C, T), the rest (C). (scale x + shift would cancel.)"""
    B, C, T = x.shape
    for n in prange(B):
        for c in range(C):
            row, into = x[n, c], y[n, c]
            for t in range(T):
                into[t] = scale[c] * (row[t] - mean[c]) + beta[c]


@compiled_parallel
def channel_gradient(
    dy: Array, x: Array, gamma: Array, mean: Array, inverse_std: Array, dx: Array, dgamma: Array, dbeta: Array
) -> None:
    """Fills dx (B, C, T), dgamma and dbeta (C) by the definition's equation, with x̂ computed again from x."""
    B, C, T = x.shape
    for c in prange(C):
        sum_dy, sum_dy_x = np.float32(0), np.float32(0)
        for n in range(B):
            arriving, row = dy[n, c], x[n, c]
            for t in range(T):
                sum_dy += arriving[t]
                sum_dy_x += arriving[t] * (row[t] - mean[c])
        dbeta[c], dgamma[c] = sum_dy, sum_dy_x * inverse_std[c]
        scale = gamma[c] * inverse_std[c]
        mean_dy = dbeta[c] / np.float32(B * T)
        mean_dy_x = dgamma[c] * inverse_std[c] / np.float32(B * T)
        for n in range(B):
            arriving, row, into = dy[n, c], x[n, c], dx[n, c]
            for t in range(T):
                into[t] = scale * (arriving[t] - mean_dy - (row[t] - mean[c]) * mean_dy_x)
