"""Twin of minieqt/layers/feedforward.py: two convolutions of kernel 1, the first with its ReLU."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.conv1d import conv1d_backward, conv1d_forward
from kernels.cpu.correlate import convolve, convolve_backward, pack
from kernels.cpu.ends import RELU
from kernels.cpu.prepared import prepared

Array = Any


def feedforward_forward(
    x: Array, W1: Array, b1: Array, W2: Array, b2: Array, mask: Array | None = None
) -> tuple[Array, Any]:
    """x (B, C, T), W1 (F, C), b1 (F), W2 (C, F), b2 (C), mask (B, F, T) or None -> y (B, C, T), cache."""
    x, wide = np.ascontiguousarray(x), W1[:, :, None]
    a = np.empty((x.shape[0], b1.size, x.shape[2]), np.float32)
    passes = convolve(RELU, x, prepared(pack, wide), b1, 0, a)
    y, narrow_cache = conv1d_forward(a if mask is None else a * mask, W2[:, :, None], b2)
    return y, (x, wide, a, passes, mask, narrow_cache)


def feedforward_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dW1 (F, C), db1 (F), dW2 (C, F), db2 (C)."""
    x, wide, a, passes, mask, narrow_cache = cache
    da, dW2, db2 = conv1d_backward(dy, narrow_cache)
    if mask is not None:
        da *= mask
    dx, dW1, db1 = convolve_backward(RELU, da, a, passes, x, wide, 0)
    return dx, dW1[:, :, 0], db1, dW2[:, :, 0], db2
