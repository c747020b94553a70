"""Twin of minieqt/layers/conv1d.py: convolution as tiles over strips."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.correlate import convolve, convolve_backward, pack
from kernels.cpu.ends import PLAIN
from kernels.cpu.prepared import prepared

Array = Any


def conv1d_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, T), cache."""
    x, left = np.ascontiguousarray(x), (W.shape[2] - 1) // 2
    y = np.empty((x.shape[0], W.shape[0], x.shape[2]), np.float32)
    return y, (x, W, left, y, convolve(PLAIN, x, prepared(pack, W), b, left, y))


def conv1d_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, W, left, y, passes = cache
    return convolve_backward(PLAIN, dy, y, passes, x, W, left)
