"""Correlation over strips: the two sums that every convolution is made of, and the loops over a batch around them.

    correlate             out[o, j] = Σ_c Σ_k W[o, c, k] strip[c, j + k]
    correlate_gradient    dW[o, c, k] = Σ_j z[o, j] strip[c, j + k]

What comes before and after them differs: a ReLU, a pooling, an upsampling. So the loops over a batch are made once and
take a function for the rest: `forward_kernel(drain)` writes a piece's sums away, `backward_kernel(fill_gradient)`
brings a piece's gradient in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.strip import (
    GROUPS,
    LEAD,
    compiled,
    compiled_parallel,
    fill,
    new_strip,
    pack_backward,
    pack_forward,
    padded_rows,
)
from kernels.cpu.tile import (
    COLUMNS,
    LANES,
    ROWS,
    SUMS_STRIDE,
    VECTORS,
    add_sums,
    dot_add,
    outer_add,
    store_tile,
    zero_tile,
)

Array = Any


@compiled
def correlate(strip: Array, start: int, packed: Array, out: Array) -> None:
    """out[o, j] = Σ_c Σ_k W[o, c, k] strip[c, start + j + k] for all of out (padded rows, whole tiles)."""
    blocks, C, K, _ = packed.shape
    width, columns = strip.shape[1], out.shape[1]
    for block in range(blocks):
        for j in range(0, columns, COLUMNS):
            tile = zero_tile()
            w = block * C * K * ROWS
            for c in range(C):
                x = c * width + start + j
                for k in range(K):
                    tile = outer_add(tile, packed, w, strip, x + k)
                    w += ROWS
            store_tile(tile, out, block * ROWS * columns + j, columns)


@compiled
def correlate_gradient(z: Array, first: int, last: int, strip: Array, start: int, K: int, sums: Array) -> None:
    """sums += Σ_j z[o, j] strip[c, start + j - first + k], j from `first` to `last` in whole vectors.

    z (padded rows, columns) must be zero from `last` to the end of the vector that holds it. `sums` (blocks, tiles,
    SUMS_STRIDE) holds dW tile by tile: ROWS filters and VECTORS of the C·K pairs (c, k) each; `collect` sorts it.
    """
    blocks, tiles, _ = sums.shape
    width, columns, last_pair = strip.shape[1], z.shape[1], strip.shape[0] * K - 1
    for block in range(blocks):
        for q in range(tiles):
            q0, q1, q2 = VECTORS * q, min(VECTORS * q + 1, last_pair), min(VECTORS * q + 2, last_pair)
            x0 = q0 // K * width + q0 % K + start
            x1 = q1 // K * width + q1 % K + start
            x2 = q2 // K * width + q2 % K + start
            tile = zero_tile()
            for j in range(0, last - first, LANES):
                tile = dot_add(tile, z, block * ROWS * columns + first + j, columns, strip, x0 + j, x1 + j, x2 + j)
            add_sums(tile, sums, (block * tiles + q) * SUMS_STRIDE)


def collect(sums: Array, O: int, C: int, K: int) -> Array:
    """The sums (blocks, tiles, SUMS_STRIDE) of `correlate_gradient`, sorted into dW (O, C, K)."""
    blocks, tiles, _ = sums.shape
    by_tile = sums[:, :, : ROWS * VECTORS].reshape(blocks, tiles, ROWS, VECTORS)
    by_filter = by_tile.transpose(0, 2, 1, 3).reshape(blocks * ROWS, tiles * VECTORS)
    return np.ascontiguousarray(by_filter[:O, : C * K]).reshape(O, C, K)


def forward_kernel(drain: Callable) -> Callable:
    """A compiled kernel(x, W, b, left, shape, y, extra) over a batch.

    x (B, C, T), W (O, C, K); `left` samples before t are read by y[t]; `shape` is `layout`'s. For each piece it calls
    drain(out, column, count, b, y[n], extra[n], start, T) on the sums out[:, column : column + count] of the samples
    from `start`. One strip is one piece of work.
    """

    @compiled
    def one_strip(item, x, packed, O, K, b, left, shape, y, extra):  # type: ignore[no-untyped-def]
        (B, C, T), (piece, stride, per_sequence, per_strip, columns) = x.shape, shape
        strip = new_strip(C, columns + K)
        out = np.empty((padded_rows(O), columns), np.float32)
        first, last = item * per_strip, min((item + 1) * per_strip, B * per_sequence)
        for p in range(first, last):
            n, start = p // per_sequence, p % per_sequence * piece
            fill(strip, (p - first) * stride, x[n], start - left, piece + K - 1)
        correlate(strip, 0, packed, out)
        for p in range(first, last):
            n, start = p // per_sequence, p % per_sequence * piece
            drain(out, (p - first) * stride, min(piece, T - start), b, y[n], extra[n], start, T)

    @compiled_parallel
    def kernel(x, W, b, left, shape, y, extra):  # type: ignore[no-untyped-def]
        packed = pack_forward(W)
        for item in prange((x.shape[0] * shape[2] + shape[3] - 1) // shape[3]):
            one_strip(item, x, packed, W.shape[0], W.shape[2], b, left, shape, y, extra)

    return kernel


def backward_kernel(fill_gradient: Callable) -> Callable:
    """A function gradient(dy, extra, x, W, left, shape, dx) -> dW (O, C, K), db (O) over a batch; fills dx (B, C, T).

    For each piece it calls fill_gradient(z, column, dy[n], extra[n], start, count, T), which writes the gradient of the
    correlation's samples from `start` (within 0 … T) to z[:, column : column + count]. Groups of strips are the pieces
    of work; each group adds up its own dW and db, and the groups are added up in order.
    """

    @compiled
    def one_strip(item, dy, extra, x, packed, K, left, shape, dx, x_strip, z, out, sums, db):  # type: ignore[no-untyped-def]
        (B, C, T), (piece, stride, per_sequence, per_strip, _) = x.shape, shape
        right = K - 1 - left
        first, last = item * per_strip, min((item + 1) * per_strip, B * per_sequence)
        x_strip[:] = 0
        z[:] = 0
        for p in range(first, last):
            n, start = p // per_sequence, p % per_sequence * piece
            column = (p - first) * stride
            fill(x_strip, column, x[n], start - left, piece + K - 1)
            fill_gradient(z, LEAD - right + column, dy[n], extra[n], start - right, piece + K - 1, T)
        correlate(z, LEAD - right, packed, out)
        for p in range(first, last):
            n, start = p // per_sequence, p % per_sequence * piece
            column, count = (p - first) * stride, min(piece, T - start)
            fill(dx[n], start, out[:C], column, count)
            for o in range(db.size):
                row, total = z[o, LEAD + column : LEAD + column + count], np.float32(0)
                for t in range(count):
                    total += row[t]
                db[o] += total
        # z has zeros around a whole sequence; around a piece of one stand its neighbours' samples, not to be counted.
        end = LEAD + (piece if per_sequence > 1 else (last - first - 1) * stride + T)
        correlate_gradient(z, LEAD, end, x_strip, 0, K, sums)

    @compiled_parallel
    def kernel(dy, extra, x, W, left, shape, dx, sums, db):  # type: ignore[no-untyped-def]
        (B, C, _), (O, _, K) = x.shape, W.shape
        packed = pack_backward(W)
        items, groups, columns = (B * shape[2] + shape[3] - 1) // shape[3], sums.shape[0], shape[4]
        for group in prange(groups):
            x_strip, z = new_strip(C, columns + K), new_strip(padded_rows(O), LEAD + columns + K)
            out = np.empty((padded_rows(C), columns), np.float32)
            for item in range(group * items // groups, (group + 1) * items // groups):
                one_strip(
                    item, dy, extra, x, packed, K, left, shape, dx, x_strip, z, out, sums[group], db[group]
                )

    def gradient(
        dy: Array, extra: Array, x: Array, W: Array, left: int, shape: tuple[int, ...], dx: Array
    ) -> tuple[Array, Array]:
        O, C, K = W.shape
        groups = min(GROUPS, -(-x.shape[0] * shape[2] // shape[3]))
        sums = np.zeros((groups, -(-O // ROWS), -(-C * K // VECTORS), SUMS_STRIDE), np.float32)
        db = np.zeros((groups, O), np.float32)
        kernel(dy, extra, x, W, left, shape, dx, sums, db)
        return collect(sums.sum(axis=0), O, C, K), db.sum(axis=0)

    return gradient
