"""Twin of minieqt/blocks/encoder.py: convolution, ReLU and pooling in one pass over a strip.

The convolution's full-length output is never written. For backward each pooled sample keeps one byte: which of the two
it came from, or that ReLU closed both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.correlate import convolve, convolve_backward, pack
from kernels.cpu.ends import POOL
from kernels.cpu.prepared import prepared

Array = Any


def encoder_stage_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, ⌈T / 2⌉), cache."""
    x, left = np.ascontiguousarray(x), (W.shape[2] - 1) // 2
    y = np.empty((x.shape[0], W.shape[0], -(-x.shape[2] // 2)), np.float32)
    return y, (x, W, left, y, convolve(POOL, x, prepared(pack, W), b, left, y))


def encoder_stage_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, ⌈T / 2⌉) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, W, left, y, passes = cache
    return convolve_backward(POOL, dy, y, passes, x, W, left)
