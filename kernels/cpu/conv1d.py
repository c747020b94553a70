"""Twin of minieqt/layers/conv1d.py: convolution as tiles over strips."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.strip import (
    GROUPS,
    compiled,
    compiled_parallel,
    correlate,
    correlate_gradient,
    fill,
    layout,
    pack_backward,
    pack_forward,
    padded_rows,
    strip_columns,
)
from kernels.cpu.tile import COLUMNS

Array = Any


def conv1d_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, T), cache."""
    x = np.ascontiguousarray(x)
    y = np.empty((x.shape[0], W.shape[0], x.shape[2]), np.float32)
    convolve(x, W, b, False, layout(x.shape[0], x.shape[2], W.shape[2]), y)
    return y, (x, W)


def conv1d_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dW (O, C, K), db (O)."""
    x, W = cache
    dy = np.ascontiguousarray(dy)
    dx = np.empty_like(x)
    dW, db = convolve_backward(dy, dy, False, x, W, layout(x.shape[0], x.shape[2], W.shape[2]), dx)
    return dx, dW, db


@compiled
def add_bias(out: Array, column: int, count: int, b: Array, relu: bool, y: Array, start: int) -> None:
    """y[:, start : start + count] = out[:, column : column + count] + b, through ReLU if asked."""
    floor = np.float32(0) if relu else np.float32(-np.inf)
    for o in range(y.shape[0]):
        sums, into = out[o, column : column + count], y[o, start : start + count]
        for t in range(count):
            into[t] = max(sums[t] + b[o], floor)


@compiled_parallel
def convolve(x: Array, W: Array, b: Array, relu: bool, shape: Any, y: Array) -> None:
    """y (B, O, T) = convolution of x (B, C, T), and ReLU of it if asked. One strip is one piece of work."""
    (B, C, T), K = x.shape, W.shape[2]
    piece, stride, per_sequence, per_strip = shape
    columns = strip_columns(stride, per_strip)
    packed = pack_forward(W)
    pieces = B * per_sequence
    for item in prange((pieces + per_strip - 1) // per_strip):
        strip = np.zeros((C, columns + K + COLUMNS), np.float32)
        out = np.empty((padded_rows(W.shape[0]), columns), np.float32)
        first, last = item * per_strip, min((item + 1) * per_strip, pieces)
        for p in range(first, last):
            n, start = p // per_sequence, p % per_sequence * piece
            fill(strip, (p - first) * stride, x[n], start - (K - 1) // 2, piece + K - 1)
        correlate(strip, 0, packed, out)
        for p in range(first, last):
            n, start = p // per_sequence, p % per_sequence * piece
            add_bias(out, (p - first) * stride, min(piece, T - start), b, relu, y[n], start)


@compiled
def fill_masked(strip: Array, column: int, source: Array, y: Array, start: int, count: int) -> None:
    """As `fill`, but where ReLU's output y is not positive the gradient stops."""
    first, last = max(start, 0), min(start + count, source.shape[1])
    for c in range(source.shape[0]):
        into, out_of, open_where = strip[c, column + first - start :], source[c, first:last], y[c, first:last]
        for t in range(out_of.size):
            into[t] = out_of[t] if open_where[t] > 0 else np.float32(0)


@compiled_parallel
def convolve_backward(
    dy: Array, y: Array, relu: bool, x: Array, W: Array, shape: Any, dx: Array
) -> tuple[Array, Array]:
    """dx (B, C, T) filled; returns dW (O, C, K), db (O). With `relu`, y (B, O, T) says where the gradient passes."""
    (B, C, T), (O, _, K) = x.shape, W.shape
    left, right = (K - 1) // 2, K - 1 - (K - 1) // 2
    piece, stride, per_sequence, per_strip = shape
    columns = strip_columns(stride, per_strip)
    packed = pack_backward(W)
    pieces = B * per_sequence
    items = (pieces + per_strip - 1) // per_strip
    groups = min(GROUPS, items)
    dW_parts, db_parts = np.zeros((groups, O, C, K), np.float32), np.zeros((groups, O), np.float32)
    for group in prange(groups):
        x_strip = np.zeros((C, columns + K + COLUMNS), np.float32)
        z = np.zeros((padded_rows(O), columns + K + COLUMNS), np.float32)
        out = np.empty((padded_rows(C), columns), np.float32)
        for item in range(group * items // groups, (group + 1) * items // groups):
            x_strip[:], z[:] = 0, 0
            first, last = item * per_strip, min((item + 1) * per_strip, pieces)
            for p in range(first, last):
                n, start = p // per_sequence, p % per_sequence * piece
                column = (p - first) * stride
                fill(x_strip, column, x[n], start - left, piece + K - 1)
                if relu:
                    fill_masked(z, column, dy[n], y[n], start - right, piece + K - 1)
                else:
                    fill(z, column, dy[n], start - right, piece + K - 1)
            correlate(z, 0, packed, out)
            for p in range(first, last):
                n, start = p // per_sequence, p % per_sequence * piece
                column = (p - first) * stride
                fill(dx[n], start, out[:C], column, min(piece, T - start))
                for o in range(O):
                    db_parts[group, o] += z[o, column + right : column + right + min(piece, T - start)].sum()
            # A whole sequence has zeros around it in z; a piece of one has its neighbours' samples, not to be counted.
            end = right + (piece if per_sequence > 1 else (last - first) * stride)
            correlate_gradient(z, right, end, x_strip, 0, K, dW_parts[group])
    dW, db = np.zeros((O, C, K), np.float32), np.zeros(O, np.float32)
    for group in range(groups):
        dW += dW_parts[group]
        db += db_parts[group]
    return dW, db
