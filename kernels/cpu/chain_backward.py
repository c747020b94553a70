"""A chain of convolutions, backward: each sample's gradient comes back through all stages in a core's own cache.

A stage's gradient z, before its end, is filled into a scratch strip piece by piece, and while it lies there it is
correlated twice: with the reversed kernel, which gives dx, the next stage's dy; and with the stage's input, which adds
to dW. The sums over a batch are taken in at most GROUPS groups of samples, each in order, and then group by group: the
number of threads never changes a result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.chain import Kept, crops, sources
from kernels.cpu.compile import compiled, compiled_parallel
from kernels.cpu.correlate import correlate, correlate_gradient, place_of_sum
from kernels.cpu.ends import UNFOLD, fill_gradient
from kernels.cpu.fold import take_off_cropped, unfold
from kernels.cpu.plan import (
    BACK_BLOCK,
    BACK_PACKED,
    BIAS,
    CHANNELS,
    END,
    FILTERS,
    KERNELS,
    LEFT,
    LENGTH,
    SUMS,
    SWAPPED,
    TAPS,
    WEIGHT_TAPS,
    WEIGHTS,
    by_tap_of,
    kernel_of,
    pack_backward,
    packed_block,
    stage_of_block,
    stages_of,
)
from kernels.cpu.rows import GROUPS, LEAD, SEGMENT, padded_rows, piece_length, round_up, scratch
from kernels.cpu.tile import COLUMNS, ROWS, SUMS_STRIDE, VECTORS

Array = Any



def chain_backward(dy: Array, kept: Kept) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """dy (B, O, T') -> dx (B, C, T), dW (O, C, K) and db (O) of every stage."""
    dy, (B, *_), places = np.ascontiguousarray(dy), dy.shape, kept.places
    stages = stages_of(kept.ends, kept.shapes)
    table, groups = stages.table, min(GROUPS, B)
    packed, taps = np.empty(stages.back_packed, np.float32), np.empty((stages.back_blocks, 2, 2), np.int64)
    pack_all_backward(table, kept.weights.kernels, packed, taps)
    dx = np.empty((B, table[0, CHANNELS], places[0, LENGTH]), np.float32)
    sums = np.zeros((groups, stages.sums), np.float32)
    db = np.zeros((groups, sum(O for O, _, _ in kept.shapes)), np.float32)
    cropped = np.zeros((groups, stages.weights), np.float32)
    each_group(
        dy, table, places, stages.margin, packed, taps, kept.weights.by_tap, kept.values, kept.numbers, kept.passes,
        kept.y, dx, sums, db, cropped,
    )
    dW = np.empty(stages.weights, np.float32)
    collect(table, sums, cropped, dW)
    dWs = (
        dW[at : at + O * C * K].reshape(O, C, K)
        for at, (O, C, K) in zip(table[:, WEIGHTS].tolist(), kept.shapes, strict=True)
    )
    return dx, tuple(dWs), tuple(np.split(db.sum(axis=0), table[1:, BIAS]))


@compiled_parallel
def pack_all_backward(stages: Array, kernels: Array, packed: Array, taps: Array) -> None:
    """The kernels of all stages, packed as `correlate` wants them for dx."""
    for block in prange(len(taps)):
        s = stage_of_block(stages, BACK_BLOCK, block)
        kernel, at = kernel_of(stages[s], kernels), block - stages[s, BACK_BLOCK]
        into = packed_block(packed, stages[s, BACK_PACKED], at, kernel.shape[0], kernel.shape[2])
        pack_backward(kernel, at, into, taps[block])


@compiled
def one_piece(
    stage: Array,
    lengths: tuple[int, int],
    start: int,
    length: int,
    margin: int,
    packed: Array,
    taps: Array,
    dy: Array,
    y: Array,
    first: int,
    passes: Array,
    x: Array,
    z: Array,
    out: Array,
    dx: Array,
    sums: Array,
    db: Array,
) -> None:
    """`length` samples from `start` on: dy (O, T_out) -> z -> dx (C, T), and added to the stage's own sums and db.

    x: padded rows; y (O, …), sample 0 in column `first`; z and out are scratch.
    """
    end, C, O, rows, K, left = stage[END], stage[CHANNELS], stage[FILTERS], stage[KERNELS], stage[TAPS], stage[LEFT]
    T, right, count = lengths[0], K - 1 - left, min(length, lengths[0] - start)
    fill_gradient(end, z[:rows], LEAD - right, dy, y, first, passes, start - right, length + K - 1, T)
    for block in range(padded_rows(C) // ROWS):
        weights = packed_block(packed, stage[BACK_PACKED], block, rows, K)
        correlate(z, LEAD - right, weights, taps[stage[BACK_BLOCK] + block], round_up(count, COLUMNS), out, 0)
        for r in range(min(ROWS, C - block * ROWS)):
            into, row = dx[block * ROWS + r, start : start + count], out[r]
            for t in range(count):
                into[t] = row[t]
    for o in range(rows):
        row, total = z[o, LEAD : LEAD + count], np.float32(0)
        for t in range(count):
            total += row[t]
        filter_ = o % (rows // 2) if end == UNFOLD else o
        if filter_ < O:
            db[filter_] += total
    if stage[SWAPPED]:
        # Each sample of x meets the samples of z that read it: the same pairs, counted at x's place.
        correlate_gradient(x, margin + start, margin + start + count, z, rows, LEAD - right, K, sums)
    else:
        correlate_gradient(z, LEAD, LEAD + count, x, C, margin + start - left, K, sums)


@compiled
def sums_of(stage: Array, sums: Array) -> Array:
    """A stage's sums (blocks, tiles, SUMS_STRIDE) in those of all."""
    rows, others = (stage[CHANNELS], stage[KERNELS]) if stage[SWAPPED] else (stage[KERNELS], stage[CHANNELS])
    blocks, tiles = padded_rows(rows) // ROWS, (others * stage[TAPS] + VECTORS - 1) // VECTORS
    return sums[stage[SUMS] : stage[SUMS] + blocks * tiles * SUMS_STRIDE].reshape(blocks, tiles, SUMS_STRIDE)


@compiled
def largest(stages: Array, places: Array) -> tuple[int, int]:
    """The most rows of z, and the most numbers of a dx that is not the chain's own, of all stages."""
    rows, numbers = 0, 0
    for s in range(len(stages)):
        rows = max(rows, padded_rows(stages[s, KERNELS]))
        if s > 0:
            numbers = max(numbers, stages[s, CHANNELS] * places[s, LENGTH])
    return rows, numbers


@compiled_parallel
def each_group(
    dy: Array,
    stages: Array,
    places: Array,
    margin: int,
    packed: Array,
    taps: Array,
    by_tap: Array,
    values: Array,
    numbers: int,
    passes: Array,
    y: Array,
    dx: Array,
    sums: Array,
    db: Array,
    cropped: Array,
) -> None:
    """The whole chain for one sample after the other, groups of samples shared out to threads."""
    B, groups = len(dy), len(db)
    rows, most = largest(stages, places)
    for group in prange(groups):
        z, out = scratch(rows, LEAD + SEGMENT + COLUMNS + margin), scratch(ROWS, SEGMENT + COLUMNS)
        between = np.empty((2, most), np.float32)
        for n in range(group * B // groups, (group + 1) * B // groups):
            arriving = dy[n]
            for s in range(len(stages) - 1, -1, -1):
                stage, lengths = stages[s], (places[s, LENGTH], places[s + 1, LENGTH])
                C, T = stage[CHANNELS], lengths[0]
                x, own_y, first, ways = sources(s, stages, places, margin, values[n * numbers :], y[n], passes[n])
                leaving = dx[n] if s == 0 else between[s % 2, : C * T].reshape(C, T)
                bias = db[group, stage[BIAS] : stage[BIAS] + stage[FILTERS]]
                length = piece_length(T, COLUMNS)
                for start in range(0, T, length):
                    one_piece(
                        stage, lengths, start, length, margin, packed, taps, arriving, own_y, first, ways, x, z, out,
                        leaving, sums_of(stage, sums[group]), bias,
                    )
                if crops(stage, lengths):
                    take_off_cropped(
                        arriving, own_y, first, lengths[1], x, margin, T, by_tap_of(stage, by_tap), leaving,
                        by_tap_of(stage, cropped[group]),
                    )
                arriving = leaving


@compiled_parallel
def collect(stages: Array, sums: Array, cropped: Array, dW: Array) -> None:
    """The sums of all groups -> dW (O, C, K) of all stages, flat, filter by filter."""
    groups, filters = len(sums), stages[-1, BIAS] + stages[-1, FILTERS]
    for item in prange(filters):
        s = stage_of_block(stages, BIAS, item)
        stage, o = stages[s], item - stages[s, BIAS]
        rows, C, K, taps = stage[KERNELS], stage[CHANNELS], stage[WEIGHT_TAPS], stage[TAPS]
        at = stage[WEIGHTS] + o * C * K
        own, tiles = dW[at : at + C * K].reshape(C, K), sums_of(stage, sums[0]).shape[1]
        kernel = np.zeros((2, C, taps), np.float32)
        for parity in range(2 if stage[END] == UNFOLD else 1):
            row = parity * (rows // 2) + o
            for c in range(C):
                for k in range(taps):
                    if stage[SWAPPED]:
                        place = place_of_sum(c, row * taps + taps - 1 - k, tiles)
                    else:
                        place = place_of_sum(row, c * taps + k, tiles)
                    for group in range(groups):
                        kernel[parity, c, k] += sums[group, stage[SUMS] + place]
        if stage[END] == UNFOLD:
            unfold(kernel[0], kernel[1], own)
            for group in range(groups):
                by_tap = by_tap_of(stage, cropped[group])
                for c in range(C):
                    for k in range(K):
                        own[c, k] += by_tap[k, c, o]
        else:
            own[:] = kernel[0]
