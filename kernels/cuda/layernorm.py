"""Launches layernorm.cu: twin of minieqt/layers/layernorm.py."""

from __future__ import annotations

from typing import Any

from .launch import ceil_div, contiguous, empty, launch, shared_bytes

Array = Any

THREADS, CHANNEL_THREADS, MOST_WARPS = 128, 1024, 32


def layernorm_forward(x: Array, gamma: Array, beta: Array) -> tuple[Array, Any]:
    """x (B, C, T), gamma beta (C) -> y (B, C, T), cache."""
    x, (B, C, T) = contiguous(x), x.shape
    y, mean, inverse_std = empty(x, x.shape), empty(x, (B, T)), empty(x, (B, T))
    arguments = x, gamma, beta, y, mean, inverse_std, C, T, B * T
    launch("layernorm.cu", "layernorm_forward", ceil_div(B * T, THREADS), THREADS, arguments)
    return y, (x, gamma, mean, inverse_std)


def layernorm_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dgamma (C), dbeta (C)."""
    x, gamma, mean, inverse_std = cache
    dy, (B, C, T) = contiguous(dy), x.shape
    dx, dgamma, dbeta = empty(x, x.shape), empty(x, C), empty(x, C)
    arguments = dy, x, gamma, mean, inverse_std, dx, C, T, B * T
    launch("layernorm.cu", "layernorm_input_gradient", ceil_div(B * T, THREADS), THREADS, arguments)
    arguments = dy, x, mean, inverse_std, dgamma, dbeta, C, T, B * T
    launch("layernorm.cu", "layernorm_parameter_gradient", C, CHANNEL_THREADS, arguments, shared_bytes(MOST_WARPS))
    return dx, dgamma, dbeta
