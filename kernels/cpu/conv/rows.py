"""Padded rows: how a sequence lies in memory so that a convolution can read it in place.

The channels of a sequence lie one after the other, with a margin of zeros before each, and one after the last:

    0 0 0 0 | channel 0: T samples | 0 0 0 0 | channel 1: T samples | … | 0 0 0 0

A margin is longer than any kernel of the chain (plan.py), so a kernel that reaches beyond a sequence's end reads zeros,
as it should, and no sample is copied first. Where a register tile reaches further still, it computes sums that are not
used.

A row is worked on in pieces of about SEGMENT samples, so that a piece of all channels stays in the first-level cache.
How a sequence is cut never changes a result, as every sample's sum is taken in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..runtime.compile import compiled
from ..simd.tile import COLUMNS, LANES, ROWS

Array = Any

SEGMENT = 384  # whole tiles: 16 channels of a piece take 25 KB. 240 took 3 % longer, 480 took 1 %
GROUPS = 8  # parts, at most, in which sums over a batch are taken, whatever the number of threads


@compiled
def round_up(count: int, unit: int) -> int:
    """`count`, rounded up to a multiple of `unit`."""
    return -(-count // unit) * unit


@compiled
def padded_rows(count: int) -> int:
    """Rows rounded up to whole tiles."""
    return round_up(count, ROWS)


def margin_for(K: int) -> int:
    """Zeros that a kernel of K taps needs between rows, and a vector more: a sum may end within its last vector."""
    return int(round_up(K + LANES, 16))


@compiled
def piece_length(T: int, unit: int, parts: int = 1) -> int:
    """Samples per piece, whole tiles of `unit` columns: pieces of one length, in a number that `parts` share evenly."""
    pieces = round_up(-(-T // SEGMENT), parts)
    return round_up(-(-T // pieces), unit)


@compiled
def region(rows: int, T: int, margin: int) -> int:
    """Numbers that `rows` rows take, both margins included."""
    return rows * (margin + T) + margin


@compiled
def room(rows: int, T: int, margin: int) -> int:
    """Numbers to allocate for `rows` rows: a tile may read beyond the last one, for sums that are not used."""
    return region(rows, T, margin) + ROWS * (margin + T) + COLUMNS


@compiled
def rows_at(values: Array, at: int, rows: int, T: int, margin: int) -> Array:
    """The padded rows that begin at values[at], as an array (rows, margin + T): sample t is in column margin + t."""
    return values[at : at + rows * (margin + T)].reshape(rows, margin + T)


@compiled
def clear_margins(values: Array, at: int, rows: int, T: int, margin: int) -> None:
    """Zeros before, between and after the rows that begin at values[at]."""
    for row in range(rows + 1):
        first = at + row * (margin + T)
        values[first : first + margin] = 0


@compiled
def copy_in(x: Array, values: Array, at: int, margin: int) -> None:
    """x (C, T) to padded rows."""
    C, T = x.shape
    clear_margins(values, at, C, T, margin)
    rows = rows_at(values, at, C, T, margin)
    for c in range(C):
        into, row = rows[c, margin:], x[c]
        for t in range(T):
            into[t] = row[t]


@compiled
def aligned(count: int) -> Array:
    """An array of `count` numbers, the first at the start of a cache line; not initialised."""
    memory = np.empty(count + 16, np.float32)
    first = (-memory.ctypes.data // 4) % 16
    return memory[first : first + count]


@compiled
def scratch(rows: int, columns: int) -> Array:
    """An array (rows, columns rounded up and with room for a tile more), each row at the start of a cache line."""
    width = round_up(columns + COLUMNS, 16)
    return aligned(rows * width).reshape(rows, width)


@compiled
def clear(values: Array) -> None:
    """Zeros everywhere. A call, because in a parallel kernel Numba may drop `bundle.values[:] = 0`: it does not see
    that the values are read."""
    values[:] = 0


@compiled
def clear_outside(rows: Array, column: int, start: int, count: int, T: int) -> None:
    """Zeros where rows[:, column : column + count], the samples from `start` on, lies outside of 0 … T."""
    before, after = min(max(-start, 0), count), min(max(T - start, 0), count)
    if before > 0 or after < count:
        for c in range(rows.shape[0]):
            rows[c, column : column + before] = 0
            rows[c, column + after : column + count] = 0
