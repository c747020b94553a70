"""Launches loss.cu: twin of minieqt/loss.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from .launch import ceil_div, contiguous, empty, launch, shared_bytes

Array = Any

THREADS, MOST_WARPS, BLOCKS = 256, 32, 256


def probabilities(z: Array) -> Array:
    """Logits z (B, T) -> probabilities (B, T)."""
    z, p = contiguous(z), empty(z, z.shape)
    launch("loss.cu", "probabilities", ceil_div(z.size, THREADS), THREADS, (z, p, z.size))
    return p


def cross_entropy_forward(z: Array, y: Array) -> Array:
    """Logits z (B, T), labels y (B, T) in [0, 1] or below 0 -> mean loss, a float64 that stays on the device."""
    z, (y, y_row), blocks = contiguous(z), with_rows(y), min(BLOCKS, ceil_div(z.size, THREADS))
    partial, mean = empty(z, blocks, np.float64), empty(z, 1, np.float64)
    shared = shared_bytes(MOST_WARPS, size=8)
    arguments = z, y, partial, z.shape[1], y_row, z.size
    launch("loss.cu", "cross_entropy_forward", blocks, THREADS, arguments, shared)
    launch("loss.cu", "mean_of_partials", 1, THREADS, (partial, mean, blocks, z.size), shared)
    return mean[0]


def cross_entropy_backward(z: Array, y: Array, dloss: float) -> Array:
    """Logits z and labels y (B, T), the gradient `dloss` that arrives at the mean -> dz (B, T)."""
    z, (y, y_row), dz = contiguous(z), with_rows(y), empty(z, z.shape)
    arguments = z, y, dloss / z.size, dz, z.shape[1], y_row, z.size
    launch("loss.cu", "cross_entropy_backward", ceil_div(z.size, THREADS), THREADS, arguments)
    return dz


def with_rows(y: Array) -> tuple[Array, int]:
    """y (B, T) as the kernels take it, and how far apart its rows begin: a batch's labels hold three outputs."""
    if y.strides[1] != y.itemsize:
        y = contiguous(y)
    return y, y.strides[0] // y.itemsize
