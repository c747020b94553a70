"""Launches head.cu: conv1d with a single filter of TAPS taps, as the decoders end."""

from __future__ import annotations

from typing import Any

from .launch import ceil_div, empty, launch, shared_bytes
from .sums import sum_split

Array = Any

TAPS, CHANNELS = 11, 8
THREADS, FORWARD_WIDTH = 128, 128 * 7
GRADIENT_THREADS, GRADIENT_WIDTH = CHANNELS * 32, 32 * 15
BLOCKS = 256  # of the gradient, at most; the same on all GPUs, so that sums have one order


def fits(W: Array) -> bool:
    """Whether these kernels can be used for weights W (O, C, K)."""
    return W.shape[0] == 1 and W.shape[2] == TAPS


def head_forward(x: Array, W: Array, b: Array, y: Array) -> None:
    """x (B, C, T), W (1, C, TAPS), b (1) -> fills y (B, 1, T)."""
    B, C, T = x.shape
    shared = shared_bytes(CHANNELS * (FORWARD_WIDTH + TAPS - 1), C * TAPS)
    launch("head.cu", "head_forward", (ceil_div(T, FORWARD_WIDTH), B), THREADS, (x, W, b, y, C, T), shared)


def head_weight_gradient(dy: Array, x: Array) -> tuple[Array, Array]:
    """dy (B, 1, T), x (B, C, T) -> dW (1, C, TAPS), db (1)."""
    B, C, T = x.shape
    grid = min(BLOCKS, B * ceil_div(T, GRADIENT_WIDTH)), ceil_div(C, CHANNELS)
    partial, dW, db = empty(x, (grid[0], C * TAPS + 1)), empty(x, (1, C, TAPS)), empty(x, 1)
    shared = shared_bytes(CHANNELS * (GRADIENT_WIDTH + TAPS - 1), GRADIENT_WIDTH)
    launch("head.cu", "head_weight_gradient", grid, GRADIENT_THREADS, (dy, x, partial, B, C, T), shared)
    sum_split(partial, dW, None, db)
    return dW, db
