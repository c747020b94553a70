"""Strips: how a batch of sequences is cut and laid out for the register tile, and the two sums over a strip.

A strip is a small scratch array (channels, columns) that fits a core's own cache. A long sequence is cut into pieces
of SEGMENT samples, one piece a strip; short ones are laid end to end, several to a strip. Each piece brings the K - 1
samples that a kernel of K taps reads beyond it, zeros where the sequence ends, so that a tile may run across pieces
without asking where one stops: what it computes in between is never read.

    correlate             out[o, j] = Σ_c Σ_k W[o, c, k] strip[c, j + k]
    correlate_gradient    dW[o, c, k] = Σ_j z[o, j] strip[c, j + k]

The layout depends on the shapes alone, and sums over a batch are taken over a fixed number of groups in a fixed order:
the number of threads never changes a result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from kernels.cpu.tile import COLUMNS, LANES, ROWS, VECTORS, dot_add, outer_add, store_sums, store_tile, zero_tile

Array = Any

SEGMENT = 480  # ten tiles: with 16 channels a strip is 31 KB and stays in the first-level cache
GROUPS = 8  # the sums over a batch are taken in at most so many parts

compiled = njit(cache=True, fastmath=True, nogil=True)
compiled_parallel = njit(cache=True, fastmath=True, nogil=True, parallel=True)


def layout(B: int, T: int, K: int) -> tuple[int, int, int, int]:
    """How B sequences of T samples are cut for K taps: (piece, stride, pieces per sequence, pieces per strip).

    `piece` samples to a piece, `stride` columns from one piece to the next in a strip.
    """
    piece = min(T, SEGMENT)
    stride = piece + K - 1
    per_sequence = -(-T // piece)
    per_strip = max(1, min(SEGMENT // stride, B * per_sequence // GROUPS))
    return piece, stride, per_sequence, per_strip


@compiled
def strip_columns(stride: int, per_strip: int) -> int:
    """Columns of a strip's result: its pieces, rounded up to whole tiles."""
    return (stride * per_strip + COLUMNS - 1) // COLUMNS * COLUMNS


@compiled
def padded_rows(O: int) -> int:
    """Rows rounded up to whole tiles."""
    return (O + ROWS - 1) // ROWS * ROWS


@compiled
def pack_forward(W: Array) -> Array:
    """W (O, C, K) -> (O / ROWS, C, K, ROWS): a tile's weights side by side, zeros for rows that are not there."""
    O, C, K = W.shape
    packed = np.zeros((padded_rows(O) // ROWS, C, K, ROWS), np.float32)
    for o in range(O):
        for c in range(C):
            for k in range(K):
                packed[o // ROWS, c, k, o % ROWS] = W[o, c, k]
    return packed


@compiled
def pack_backward(W: Array) -> Array:
    """W (O, C, K) -> packed weights that correlate dy (O, …) to dx (C, …): transposed, and each kernel reversed."""
    O, C, K = W.shape
    packed = np.zeros((padded_rows(C) // ROWS, O, K, ROWS), np.float32)
    for o in range(O):
        for c in range(C):
            for k in range(K):
                packed[c // ROWS, o, K - 1 - k, c % ROWS] = W[o, c, k]
    return packed


@compiled
def fill(strip: Array, column: int, source: Array, start: int, count: int) -> None:
    """strip[:, column : column + count] = source[:, start : start + count]; what lies outside source is left alone."""
    first, last = max(start, 0), min(start + count, source.shape[1])
    for c in range(source.shape[0]):
        # Slices, because LLVM does not vectorise a loop whose index might be negative.
        into, out_of = strip[c, column + first - start :], source[c, first:last]
        for t in range(out_of.size):
            into[t] = out_of[t]


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
def correlate_gradient(z: Array, first: int, last: int, strip: Array, start: int, K: int, dW: Array) -> None:
    """dW[o, c, k] += Σ_j z[o, j] strip[c, start + j - first + k], j from `first` to `last` in whole vectors.

    z (padded rows, columns) must be zero from `last` to the end of the vector that holds it.
    """
    O, C = dW.shape[0], dW.shape[1]
    width, columns = strip.shape[1], z.shape[1]
    sums = np.empty(ROWS * VECTORS, np.float32)
    flat, taps = dW.reshape(-1), C * K
    for block in range(0, O, ROWS):
        for q in range(0, taps, VECTORS):
            q1, q2 = min(q + 1, taps - 1), min(q + 2, taps - 1)
            x0 = q // K * width + q % K + start
            x1 = q1 // K * width + q1 % K + start
            x2 = q2 // K * width + q2 % K + start
            tile = zero_tile()
            for j in range(first, last, LANES):
                i = j - first
                tile = dot_add(tile, z, block * columns + j, columns, strip, x0 + i, x1 + i, x2 + i)
            store_sums(tile, sums, 0)
            for r in range(min(ROWS, O - block)):
                for v in range(min(VECTORS, taps - q)):
                    flat[(block + r) * taps + q + v] += sums[r * VECTORS + v]
