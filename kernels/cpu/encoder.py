"""Twin of minieqt/blocks/encoder.py: convolution, ReLU and pooling in one pass over a strip.

The convolution's full-length output is never written. For backward each pooled sample keeps one byte: which of the two
it came from, or that ReLU closed both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.correlate import backward_kernel, forward_kernel
from kernels.cpu.strip import compiled, layout

Array = Any

CLOSED, FIRST, SECOND = 0, 1, 2  # what the byte says


def encoder_stage_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, ⌈T / 2⌉), cache."""
    x = np.ascontiguousarray(x)
    (B, _, T), (O, _, K) = x.shape, W.shape
    y, source = np.empty((B, O, -(-T // 2)), np.float32), np.empty((B, O, -(-T // 2)), np.uint8)
    stage(x, W, b, (K - 1) // 2, layout(x, K), y, source)
    return y, (x, W, source)


def encoder_stage_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, ⌈T / 2⌉) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, W, source = cache
    dy, dx, K = np.ascontiguousarray(dy), np.empty_like(x), W.shape[2]
    dW, db = stage_backward(dy, source, x, W, (K - 1) // 2, layout(x, K), dx)
    return dx, dW, db


@compiled
def pool(out: Array, column: int, count: int, b: Array, y: Array, source: Array, start: int, T: int) -> None:
    """The `count` sums of a piece, with bias, through ReLU and pooling into y[:, start / 2 :]; `source` says whence."""
    half = count // 2
    for o in range(y.shape[0]):
        sums = out[o, column : column + count]
        into, whence = y[o, start // 2 :], source[o, start // 2 :]
        for t in range(half):
            first, second = sums[2 * t] + b[o], sums[2 * t + 1] + b[o]
            largest = max(first, second)
            into[t] = max(largest, np.float32(0))
            whence[t] = CLOSED if largest <= 0 else (SECOND if second > first else FIRST)
        if count % 2:  # the last sample of an odd length stands alone
            last = sums[count - 1] + b[o]
            into[half] = max(last, np.float32(0))
            whence[half] = FIRST if last > 0 else CLOSED


@compiled
def fill_unpooled(z: Array, column: int, dy: Array, source: Array, start: int, count: int, T: int) -> None:
    """z[:, column : column + count] = the gradient at the convolution's samples start … start + count."""
    first, last = max(start, 0), min(start + count, T)
    for o in range(dy.shape[0]):
        into, arriving, whence = z[o, column + first - start :], dy[o, first // 2 :], source[o, first // 2 :]
        odd = first % 2
        if odd:
            into[0] = arriving[0] if whence[0] == SECOND else np.float32(0)
        for t in range((last - first - odd) // 2):
            g, w = arriving[odd + t], whence[odd + t]
            into[odd + 2 * t] = g if w == FIRST else np.float32(0)
            into[odd + 2 * t + 1] = g if w == SECOND else np.float32(0)
        if (last - first - odd) % 2:
            t = (last - first - odd) // 2
            into[odd + 2 * t] = arriving[odd + t] if whence[odd + t] == FIRST else np.float32(0)


stage = forward_kernel(pool)
stage_backward = backward_kernel(fill_unpooled)
