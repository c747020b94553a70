"""Correlation over strips: the two sums that every convolution is made of, and the loops over a batch around them.

    correlate             out[o, j] = Σ_c Σ_k W[o, c, k] strip[c, j + k]
    correlate_gradient    dW[o, c, k] = Σ_j z[o, j] strip[c, j + k]

What stands at their ends differs, a ReLU, a pooling, an upsampling (ends.py), and is chosen by a number: one compiled
kernel forward and one backward serve every convolution of the network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import get_num_threads, prange

from kernels.cpu.compile import compiled, compiled_parallel
from kernels.cpu.ends import POOL, drain, fill_gradient
from kernels.cpu.memory import keep_freed_memory
from kernels.cpu.strip import (
    GROUPS,
    LEAD,
    clear_outside,
    fill,
    layout,
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
    WIDE,
    add_sums,
    dot_add,
    outer_add,
    store_tile,
    zero_tile,
    zero_wide_tile,
)

Array = Any

FEW = ROWS // 4  # up to so many filters are correlated one by one: a tile of ROWS would be mostly empty


@compiled
def correlate(strip: Array, start: int, packed: Array, taps: Array, out: Array) -> None:
    """out[o, j] = Σ_c Σ_k W[o, c, k] strip[c, start + j + k] for all of out (padded rows, whole tiles)."""
    blocks, C, K, _ = packed.shape
    width, columns = strip.shape[1], out.shape[1]
    for block in range(blocks):
        for j in range(0, columns, COLUMNS):
            tile = zero_tile()
            for half in range(2):
                for c in range(half * C // 2, (half + 1) * C // 2):
                    x, w = c * width + start + j, (block * C + c) * K
                    for k in range(taps[block, half, 0], taps[block, half, 1]):
                        tile = outer_add(tile, packed, (w + k) * ROWS, strip, x + k)
            store_tile(tile, out, block * ROWS * columns + j, columns)


@compiled
def correlate_few(strip: Array, start: int, W: Array, out: Array) -> None:
    """The same for FEW filters W (O, C, K) as they are, a wide tile of each at a time; out (O, whole wide tiles)."""
    O, C, K = W.shape
    width, columns = strip.shape[1], out.shape[1]
    for o in range(O):
        for j in range(0, columns, WIDE):
            tile = zero_wide_tile()
            for c in range(C):
                for k in range(K):
                    tile = outer_add(tile, W, (o * C + c) * K + k, strip, c * width + start + j + k)
            store_tile(tile, out, o * columns + j, columns)


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


def convolve(end: int, x: Array, weights: tuple[Array, Array, Array], b: Array, left: int, y: Array) -> Array:
    """x (B, C, T), `weights` W (O, C, K) as `pack` gives them, b -> y, filled, by one of the `ends`; y[t] reads from
    `left` samples before t on.

    Returns `passes`, which way a pooling's gradient comes back (like y, bytes; nothing in it for the other ends).
    """
    keep_freed_memory()
    passes = np.empty(y.shape if end == POOL else (y.shape[0], 0, 0), np.uint8)
    run(end, x, *weights, b, left, 4 * get_num_threads(), y, passes)
    return passes


@compiled_parallel
def pack(W: Array) -> tuple[Array, Array, Array]:
    """W (O, C, K) -> itself, and what `correlate` wants: packed (blocks, C, K, ROWS), taps (blocks, 2, 2)."""
    O, C, K = W.shape
    blocks = padded_rows(O) // ROWS
    packed, taps = np.empty((blocks, C, K, ROWS), np.float32), np.empty((blocks, 2, 2), np.int64)
    for block in prange(blocks):
        pack_forward(W, block, packed[block], taps[block])
    return W, packed, taps


def convolve_backward(
    end: int, dy: Array, y: Array, passes: Array, x: Array, W: Array, left: int
) -> tuple[Array, Array, Array]:
    """dy like y; y, passes, x, left as in `convolve`, W (O, C, K) -> dx (B, C, T), dW (O, C, K), db (O).

    Each sum over the batch is taken group by group.
    """
    (O, C, K), shape, dx = W.shape, layout(x, W.shape[2]), np.empty_like(x)
    groups = min(GROUPS, -(-x.shape[0] * shape[2] // shape[3]))
    swapped = O <= FEW < C  # x in the rows, z in the vectors: dW transposed, each kernel reversed
    rows, others = (C, O) if swapped else (O, C)
    sums = np.zeros((groups, -(-rows // ROWS), -(-others * K // VECTORS), SUMS_STRIDE), np.float32)
    db = np.zeros((groups, O), np.float32)
    dy, W = np.ascontiguousarray(dy), np.ascontiguousarray(W)
    run_backward(end, dy, y, passes, x, W, left, shape, swapped, dx, sums, db)
    dW = collect(sums.sum(axis=0), rows, others, K)
    return dx, np.ascontiguousarray(dW.transpose(1, 0, 2)[:, :, ::-1]) if swapped else dW, db.sum(axis=0)


@compiled
def one_strip(
    item: int,
    end: int,
    x: Array,
    W: Array,
    packed: Array,
    taps: Array,
    b: Array,
    left: int,
    shape: tuple[int, int, int, int, int],
    strip: Array,
    out: Array,
    y: Array,
    passes: Array,
) -> None:
    """Cut the pieces of one strip from x, correlate, and drain them into y; `strip` and `out` are scratch.

    A single piece with nothing but x around it is read where it is.
    """
    (B, _, T), (piece, stride, per_sequence, per_strip, columns) = x.shape, shape
    O, _, K = W.shape
    first, last = item * per_strip, min((item + 1) * per_strip, B * per_sequence)
    source, begin = x[first // per_sequence], first % per_sequence * piece - left
    if per_strip > 1 or begin < 0 or begin + columns + K - 1 > T:
        source, begin = strip, 0
        for p in range(first, last):
            n, start = p // per_sequence, p % per_sequence * piece
            fill(strip, (p - first) * stride, x[n], start - left, piece + K - 1)
    if O <= FEW:
        correlate_few(source, begin, W, out)
    else:
        correlate(source, begin, packed, taps, out)
    for p in range(first, last):
        n, start = p // per_sequence, p % per_sequence * piece
        drain(end, out, (p - first) * stride, min(piece, T - start), b, y[n], passes[n], start, T)


@compiled_parallel
def run(
    end: int,
    x: Array,
    W: Array,
    packed: Array,
    taps: Array,
    b: Array,
    left: int,
    most_parts: int,
    y: Array,
    passes: Array,
) -> None:
    """`one_strip` for all strips of a batch, in at most so many pieces of work."""
    blocks, C, K, _ = packed.shape
    shape = layout(x, K, WIDE if W.shape[0] <= FEW else COLUMNS)
    _, _, per_sequence, per_strip, columns = shape
    items = (x.shape[0] * per_sequence + per_strip - 1) // per_strip
    parts = min(items, most_parts)
    for part in prange(parts):
        strip, out = new_strip(C, columns + K), np.empty((blocks * ROWS, columns), np.float32)
        for item in range(part * items // parts, (part + 1) * items // parts):
            one_strip(item, end, x, W, packed, taps, b, left, shape, strip, out, y, passes)


@compiled
def one_group(
    group: int,
    end: int,
    dy: Array,
    y: Array,
    passes: Array,
    x: Array,
    packed: Array,
    taps: Array,
    K: int,
    left: int,
    shape: tuple[int, int, int, int, int],
    swapped: bool,
    dx: Array,
    sums: Array,
    db: Array,
) -> None:
    """The strips of one group: fill z with their gradient, correlate it into dx, and add to the group's dW and db."""
    (B, C, T), (piece, stride, per_sequence, per_strip, columns) = x.shape, shape
    groups, O, right = db.shape[0], db.shape[1], K - 1 - left
    x_strip, z = new_strip(padded_rows(C), columns + K), new_strip(padded_rows(O), LEAD + columns + K)
    out = np.empty((padded_rows(C), columns), np.float32)
    items = (B * per_sequence + per_strip - 1) // per_strip
    for item in range(group * items // groups, (group + 1) * items // groups):
        first, last = item * per_strip, min((item + 1) * per_strip, B * per_sequence)
        for p in range(first, last):
            n, start = p // per_sequence, p % per_sequence * piece
            column = (p - first) * stride
            fill(x_strip, column, x[n], start - left, piece + K - 1)
            clear_outside(z, LEAD - right + column, start - right, piece + K - 1, T)
            fill_gradient(end, z, LEAD - right + column, dy[n], y[n], passes[n], start - right, piece + K - 1, T)
        # z has zeros around a whole sequence; around a piece of one stand its neighbours' samples, not to be counted.
        end_column = LEAD + (piece if per_sequence > 1 else (last - first - 1) * stride + T)
        if per_sequence == 1:
            z[:, end_column : end_column + LANES] = 0
        correlate(z, LEAD - right, packed, taps, out)
        for p in range(first, last):
            n, start = p // per_sequence, p % per_sequence * piece
            column, count = (p - first) * stride, min(piece, T - start)
            fill(dx[n], start, out[:C], column, count)
            for o in range(O):
                row, total = z[o, LEAD + column : LEAD + column + count], np.float32(0)
                for t in range(count):
                    total += row[t]
                db[group, o] += total
        if swapped:
            # Each sample of x meets the samples of z that read it: the same pairs, counted at x's place.
            correlate_gradient(x_strip, left, left + end_column - LEAD, z, LEAD - right, K, sums[group])
        else:
            correlate_gradient(z, LEAD, end_column, x_strip, 0, K, sums[group])


@compiled_parallel
def run_backward(
    end: int,
    dy: Array,
    y: Array,
    passes: Array,
    x: Array,
    W: Array,
    left: int,
    shape: tuple[int, int, int, int, int],
    swapped: bool,
    dx: Array,
    sums: Array,
    db: Array,
) -> None:
    """`one_group` for all groups, each a piece of work."""
    O, C, K = W.shape
    blocks = padded_rows(C) // ROWS
    packed, taps = np.empty((blocks, O, K, ROWS), np.float32), np.empty((blocks, 2, 2), np.int64)
    for block in prange(blocks):
        pack_backward(W, block, packed[block], taps[block])
    for group in prange(db.shape[0]):
        one_group(group, end, dy, y, passes, x, packed, taps, K, left, shape, swapped, dx, sums, db)
