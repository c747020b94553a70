"""Twin of minieqt/layers/conv1d.py: convolution as tiles over strips, on its own or with ReLU."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.correlate import backward_kernel, forward_kernel
from kernels.cpu.strip import compiled, fill, layout

Array = Any


def conv1d_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, T), cache."""
    x, K = np.ascontiguousarray(x), W.shape[2]
    y = np.empty((x.shape[0], W.shape[0], x.shape[2]), np.float32)
    convolve(x, W, b, (K - 1) // 2, layout(x, K), y, y)
    return y, (x, W)


def conv1d_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, W = cache
    dy, dx, K = np.ascontiguousarray(dy), np.empty_like(x), W.shape[2]
    dW, db = convolve_backward(dy, dy, x, W, (K - 1) // 2, layout(x, K), dx)
    return dx, dW, db


@compiled
def add_bias(out: Array, column: int, count: int, b: Array, y: Array, _: Array, start: int, T: int) -> None:
    """y[:, start : start + count] = out[:, column : column + count] + b."""
    for o in range(y.shape[0]):
        sums, into = out[o, column : column + count], y[o, start : start + count]
        for t in range(count):
            into[t] = sums[t] + b[o]


@compiled
def add_bias_relu(out: Array, column: int, count: int, b: Array, y: Array, _: Array, start: int, T: int) -> None:
    """y[:, start : start + count] = relu(out[:, column : column + count] + b)."""
    for o in range(y.shape[0]):
        sums, into = out[o, column : column + count], y[o, start : start + count]
        for t in range(count):
            into[t] = max(sums[t] + b[o], np.float32(0))


@compiled
def fill_gradient(z: Array, column: int, dy: Array, _: Array, start: int, count: int, T: int) -> None:
    """z[:, column : column + count] = dy[:, start : start + count]."""
    fill(z, column, dy, start, count)


@compiled
def fill_through_relu(z: Array, column: int, dy: Array, y: Array, start: int, count: int, T: int) -> None:
    """As `fill_gradient`, but the gradient stops where ReLU's output y is not positive."""
    first, last = max(start, 0), min(start + count, T)
    for o in range(dy.shape[0]):
        into, arriving, outputs = z[o, column + first - start :], dy[o, first:last], y[o, first:last]
        for t in range(last - first):
            into[t] = arriving[t] if outputs[t] > 0 else np.float32(0)


convolve = forward_kernel(add_bias)
convolve_relu = forward_kernel(add_bias_relu)
convolve_backward = backward_kernel(fill_gradient)
convolve_relu_backward = backward_kernel(fill_through_relu)
