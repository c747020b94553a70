"""Strips: how a batch of sequences is cut and laid out for the register tile, and what fills them.

A strip is a small scratch array (channels, columns) that fits a core's own cache. A long sequence is cut into pieces
of SEGMENT samples, one piece a strip; short ones are laid end to end, several to a strip. Each piece brings the K - 1
samples that a kernel of K taps reads beyond it, zeros where the sequence ends, so that a tile may run across pieces
without asking where one stops: what it computes in between is never read. Neighbours share the zeros between them.

The layout depends on the shapes alone, and sums over a batch are taken over a fixed number of groups in a fixed order:
the number of threads never changes a result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.compile import compiled
from kernels.cpu.tile import COLUMNS, ROWS

Array = Any

SEGMENT = 480  # ten tiles: with 16 channels a strip is 31 KB and stays in the first-level cache
LEAD = 16  # columns before a gradient's first piece: room for the taps left of it, and whole vectors
GROUPS = 8  # the sums over a batch are taken in at most so many parts


@compiled
def round_up(count: int, unit: int) -> int:
    """`count`, rounded up to a multiple of `unit`."""
    return -(-count // unit) * unit


@compiled
def layout(x: Array, K: int, unit: int = COLUMNS) -> tuple[int, int, int, int, int]:
    """How x (B, C, T) is cut for K taps and tiles of `unit` columns.

    Returns (piece, stride, pieces per sequence, pieces per strip, columns per strip).

    `piece` samples to a piece, whole tiles where a sequence is cut, all pieces of about one length so that little of
    the last is empty; `stride` columns from one piece to the next in a strip; `columns` of its result, whole tiles.
    """
    B, _, T = x.shape
    # A small batch is cut finer, so that there is work for several threads.
    per_sequence = max(-(-T // SEGMENT), min(-(-T // unit), GROUPS // B))
    piece = T if per_sequence == 1 else round_up(-(-T // per_sequence), unit)
    per_sequence = -(-T // piece)
    stride = piece + K // 2  # the longer of a kernel's two sides; the shorter one's zeros are among its neighbour's
    per_strip = max(1, min((SEGMENT + K - 1) // stride, B * per_sequence // GROUPS))
    return piece, stride, per_sequence, per_strip, round_up((per_strip - 1) * stride + piece, unit)


@compiled
def padded_rows(O: int) -> int:
    """Rows rounded up to whole tiles."""
    return (O + ROWS - 1) // ROWS * ROWS


@compiled
def pack_forward(W: Array, block: int, packed: Array, taps: Array) -> None:
    """One block of W (O, C, K) -> packed (C, K, ROWS), weights of a tile side by side, zeros for absent rows.

    Its `taps` (2, 2) say from which tap to which its kernels are not all zero, for each half of the rows they read.
    """
    O, C, K = W.shape
    into = packed.reshape(-1)
    for r in range(ROWS):
        o = block * ROWS + r
        row = W[min(o, O - 1)].reshape(-1)
        for q in range(C * K):
            into[q * ROWS + r] = row[q] if o < O else np.float32(0)
    find_taps(packed, taps)


@compiled
def pack_backward(W: Array, block: int, packed: Array, taps: Array) -> None:
    """The same of the weights that correlate dy (O, …) to dx (C, …), packed (O, K, ROWS): transposed, and each kernel
    reversed."""
    O, _, K = W.shape
    packed[:] = 0
    for o in range(O):
        rows, into = W[o, block * ROWS : (block + 1) * ROWS], packed[o]
        for r in range(rows.shape[0]):
            for k in range(K):
                into[K - 1 - k, r] = rows[r, k]
    find_taps(packed, taps)


@compiled
def find_taps(packed: Array, taps: Array) -> None:
    """Folded kernels (see decoder.py) begin or end with zeros by construction, and zeros need not be multiplied.

    A block's own do so going forward, and one half of what it reads going backward.
    """
    C = packed.shape[0]
    for half in range(2):
        rows = packed[half * C // 2 : (half + 1) * C // 2]
        first, last = 0, packed.shape[1]
        while first < last and all_zero(rows[:, first]):
            first += 1
        while last > first and all_zero(rows[:, last - 1]):
            last -= 1
        taps[half, 0], taps[half, 1] = first, last


@compiled
def all_zero(weights: Array) -> bool:
    """Whether one tap of a block's kernels, weights (C, ROWS), is zero in all; the first that is not decides."""
    for c in range(weights.shape[0]):
        for weight in weights[c]:
            if weight != 0:
                return False
    return True


@compiled
def new_strip(rows: int, columns: int) -> Array:
    """Zeros (rows, columns rounded up and with room for a tile more), each row at the start of a cache line."""
    width = (columns + COLUMNS + 15) // 16 * 16
    memory = np.zeros(rows * width + 16, np.float32)
    first = (-memory.ctypes.data // 4) % 16
    return memory[first : first + rows * width].reshape(rows, width)


@compiled
def fill(strip: Array, column: int, source: Array, start: int, count: int) -> None:
    """strip[:, column : column + count] = source[:, start : start + count], zero where that lies outside of source."""
    T = source.shape[1]
    clear_outside(strip[: source.shape[0]], column, start, count, T)
    first, last = max(start, 0), min(start + count, T)
    for c in range(source.shape[0]):
        # Slices, because LLVM does not vectorise a loop whose index might be negative.
        into, out_of = strip[c, column + first - start :], source[c, first:last]
        for t in range(out_of.size):
            into[t] = out_of[t]


@compiled
def clear_outside(strip: Array, column: int, start: int, count: int, T: int) -> None:
    """Zeros where strip[:, column : column + count], the samples from `start` on, lies outside of 0 … T."""
    before, after = min(max(-start, 0), count), min(max(T - start, 0), count)
    if before > 0 or after < count:
        for c in range(strip.shape[0]):
            strip[c, column : column + before] = 0
            strip[c, column + after : column + count] = 0
