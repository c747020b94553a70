"""Launches batchnorm.cu: twin of minieqt/layers/batchnorm.py."""

from __future__ import annotations

from typing import Any

from .launch import ceil_div, contiguous, empty, launch, shared_bytes

Array = Any

EPS = 1e-3  # as in the definition
THREADS, CHANNEL_THREADS, MOST_WARPS = 256, 1024, 32


def batch_statistics(x: Array) -> tuple[Array, Array]:
    """x (B, C, T) -> mean (C), biased variance (C)."""
    x, (B, C, T) = contiguous(x), x.shape
    mean, variance = empty(x, C), empty(x, C)
    arguments = x, mean, variance, B, C, T
    launch("batchnorm.cu", "batch_statistics", C, CHANNEL_THREADS, arguments, shared_bytes(MOST_WARPS))
    return mean, variance


def batchnorm_forward(x: Array, gamma: Array, beta: Array, mean: Array, variance: Array) -> tuple[Array, Any]:
    """x (B, C, T), gamma beta mean variance (C) -> y (B, C, T), cache."""
    x, y = contiguous(x), empty(x, x.shape)
    arguments = x, gamma, beta, mean, variance, EPS, y, *x.shape[1:], x.size
    launch("batchnorm.cu", "batchnorm_forward", ceil_div(x.size, THREADS), THREADS, arguments)
    return y, (x, gamma, mean, variance)


def batchnorm_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dgamma (C), dbeta (C); mean and variance are the batch's own."""
    x, gamma, mean, variance = cache
    dx, dgamma, dbeta = empty(x, x.shape), empty(x, x.shape[1]), empty(x, x.shape[1])
    arguments = contiguous(dy), x, gamma, mean, variance, EPS, dx, dgamma, dbeta, *x.shape
    launch("batchnorm.cu", "batchnorm_backward", x.shape[1], CHANNEL_THREADS, arguments, shared_bytes(MOST_WARPS))
    return dx, dgamma, dbeta
