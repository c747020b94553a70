"""A chain of convolutions, backward: each sample's gradient comes back through all stages in a core's own cache.

A stage's gradient z, before its end, is filled into scratch piece by piece, and while it lies there it is correlated
twice: with the reversed kernel, which gives dx, the next stage's dy; and with the stage's input, which adds to dW. The
sums over a batch are taken in at most GROUPS groups of samples, each in order, and then group by group: the number of
threads never changes a result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.conv.correlate import correlate, correlate_gradient
from kernels.cpu.conv.epilogue import fill_gradient
from kernels.cpu.conv.forward import Kept, sources
from kernels.cpu.conv.gradient import add_groups, collect, sums_of
from kernels.cpu.conv.plan import (
    BACK_BLOCK,
    BACK_PACKED,
    BIAS,
    CHANNELS,
    END,
    FILTERS,
    LENGTH,
    ROWS_AT,
    TAPS,
    WEIGHTS,
    pack_backward,
    packed_block,
    stage_of_block,
    stages_of,
    weight_of,
)
from kernels.cpu.conv.rows import GROUPS, SEGMENT, padded_rows, piece_length, round_up, scratch
from kernels.cpu.runtime.allocator import keep_freed_memory
from kernels.cpu.runtime.compile import compiled, compiled_parallel
from kernels.cpu.simd.tile import COLUMNS, ROWS

Array = Any

HANDFUL = 4  # samples that are brought to a stage's weights together, where it is
SHORT = 192  # samples long or shorter: to add up a tile's lanes takes as long there as a piece of the sum


def chain_backward(
    dy: Array, kept: Kept, of_input: bool = True
) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """dy (B, O, T') -> dx (B, C, T), or None where nobody asks, dW (O, C, K) and db (O) of every stage."""
    keep_freed_memory(large=True)
    dy, (B, *_), places = np.ascontiguousarray(dy), dy.shape, kept.places
    stages = stages_of(kept.ends, kept.shapes)
    table, groups = stages.table, max(1, min(GROUPS, B))  # one for no sample at all: its sums are zero
    packed = np.empty(stages.back_packed, np.float32)
    pack_all_backward(table, kept.weights.flat, packed)
    dx = np.empty((B, table[0, CHANNELS], places[0, LENGTH]) if of_input else (B, 0, 0), np.float32)
    sums = np.empty((groups, stages.sums), np.float32)
    db = np.empty((groups, sum(O for O, _, _ in kept.shapes)), np.float32)
    each_group(
        dy, table, places, stages.margin, packed, kept.values, kept.numbers, kept.passes, kept.y, dx, of_input, sums, db
    )
    dW = np.empty(stages.weights, np.float32)
    add_groups(sums)
    collect(table, sums[0], dW)
    dWs = (
        dW[at : at + O * C * K].reshape(O, C, K)
        for at, (O, C, K) in zip(table[:, WEIGHTS].tolist(), kept.shapes, strict=True)
    )
    return dx if of_input else None, tuple(dWs), tuple(np.split(db.sum(axis=0), table[1:, BIAS]))


@compiled_parallel
def pack_all_backward(stages: Array, flat: Array, packed: Array) -> None:
    """The weights of all stages, packed as `correlate` wants them for dx."""
    last = stages[-1]
    for block in prange(last[BACK_BLOCK] + padded_rows(last[CHANNELS]) // ROWS):
        s = stage_of_block(stages, BACK_BLOCK, block)
        W, at = weight_of(stages[s], flat), block - stages[s, BACK_BLOCK]
        pack_backward(W, at, packed_block(packed, stages[s, BACK_PACKED], at, W.shape[0], W.shape[2]))


@compiled
def one_piece(
    stage: Array,
    T: int,
    start: int,
    length: int,
    margin: int,
    packed: Array,
    dy: Array,
    y: Array,
    first: int,
    passes: Array,
    z: Array,
    out: Array,
    dx: Array,
    goes_on: bool,
    db: Array,
) -> None:
    """`length` samples from `start` on: dy (O, T_out) -> z, `start` in column margin -> dx (C, T), added to db (O).

    y (O, …), sample 0 in column `first`; out is scratch. dx stays as it is unless the gradient `goes_on`.
    """
    C, O, K, count = stage[CHANNELS], stage[FILTERS], stage[TAPS], min(length, T - start)
    right = K - 1 - (K - 1) // 2
    fill_gradient(stage[END], z, margin - right, dy, y, first, passes, start - right, length + K - 1, T)
    for block in range(padded_rows(C) // ROWS if goes_on else 0):
        weights = packed_block(packed, stage[BACK_PACKED], block, O, K)
        correlate(z, margin - right, weights, round_up(count, COLUMNS), out)
        for r in range(min(ROWS, C - block * ROWS)):
            into, row = dx[block * ROWS + r, start : start + count], out[r]
            for t in range(count):
                into[t] = row[t]
    for o in range(O):
        row, total = z[o, margin : margin + count], np.float32(0)
        for t in range(count):
            total += row[t]
        db[o] += total


@compiled
def add_to_weights(
    stage: Array,
    T: int,
    start: int,
    count: int,
    margin: int,
    z: Array,
    values: Array,
    at: int,
    numbers: int,
    samples: int,
    sums: Array,
) -> None:
    """A piece of some samples, added to their stage's sums: z as `one_piece` filled it, sample after sample; the first
    one's padded rows begin at values[at], the next one's `numbers` later."""
    K, width = stage[TAPS], z.shape[1]
    correlate_gradient(
        z.reshape(-1), margin, width, stage[FILTERS] * width,
        values, at + margin + start - (K - 1) // 2, margin + T, numbers, samples, count, stage[CHANNELS], K, sums,
    )


@compiled
def is_short(places: Array, s: int) -> bool:
    """Whether a stage's sequences are so short that a handful of samples add to its weights together."""
    return places[s, LENGTH] <= SHORT


@compiled
def largest(stages: Array, places: Array) -> tuple[int, int]:
    """The most rows of z, and the most numbers of a dx that is not the chain's own, of all stages."""
    rows, numbers = 0, 0
    for s in range(len(stages)):
        rows = max(rows, padded_rows(stages[s, FILTERS]) * (HANDFUL if is_short(places, s) else 1))
        if s > 0:
            numbers = max(numbers, stages[s, CHANNELS] * places[s, LENGTH])
    return rows, numbers


@compiled
def between_stages(s: int, slot: int, stages: Array, places: Array, between: Array) -> Array:
    """Where the gradient (C, T) stands that stage s hands to the one before it, of one of a handful of samples.

    From one long stage to the next a single place serves all samples, in turn.
    """
    own = slot if is_short(places, s) or is_short(places, s - 1) else 0
    C, T = stages[s, CHANNELS], places[s, LENGTH]
    return between[own, s % 2, : C * T].reshape(C, T)


@compiled
def one_stage(
    s: int,
    n: int,
    slot: int,
    dy: Array,
    stages: Array,
    places: Array,
    margin: int,
    packed: Array,
    values: Array,
    numbers: int,
    passes: Array,
    y: Array,
    dx: Array,
    of_input: bool,
    sums: Array,
    db: Array,
    z: Array,
    out: Array,
    between: Array,
) -> None:
    """One stage of sample n, backward; of a short one the sums for dW are left to whoever has filled a handful of z."""
    stage, T = stages[s], places[s, LENGTH]
    _, own_y, first, ways = sources(s, stages, places, margin, values[n * numbers :], y[n], passes[n])
    arriving = dy[n] if s == len(stages) - 1 else between_stages(s + 1, slot, stages, places, between)
    leaving = dx[n] if s == 0 else between_stages(s, slot, stages, places, between)
    bias, rows = db[stage[BIAS] : stage[BIAS] + stage[FILTERS]], stage[FILTERS]
    short, length = is_short(places, s), piece_length(T, COLUMNS)
    own_z = z[slot * rows : (slot + 1) * rows] if short else z[:rows]
    for start in range(0, T, length):
        one_piece(
            stage, T, start, length, margin, packed, arriving, own_y, first, ways, own_z, out, leaving,
            of_input or s > 0, bias,
        )
        if not short:
            at, count = n * numbers + places[s, ROWS_AT], min(length, T - start)
            add_to_weights(stage, T, start, count, margin, own_z, values, at, numbers, 1, sums_of(stage, sums))


@compiled_parallel
def each_group(
    dy: Array,
    stages: Array,
    places: Array,
    margin: int,
    packed: Array,
    values: Array,
    numbers: int,
    passes: Array,
    y: Array,
    dx: Array,
    of_input: bool,
    sums: Array,
    db: Array,
) -> None:
    """The whole chain, groups of samples shared out to threads, a handful at a time: long stages one sample after the
    other, short ones together."""
    B, groups = len(dy), len(db)
    rows, most = largest(stages, places)
    for group in prange(groups):
        z, out = scratch(rows, margin + SEGMENT + COLUMNS + margin), scratch(ROWS, SEGMENT + COLUMNS)
        between, last = np.empty((HANDFUL, 2, most), np.float32), (group + 1) * B // groups
        sums[group], db[group] = 0, 0
        for first in range(group * B // groups, last, HANDFUL):
            samples, s = min(HANDFUL, last - first), len(stages) - 1
            while s >= 0:
                until = s - 1  # the stage to go on with
                while not is_short(places, s) and until >= 0 and not is_short(places, until):
                    until -= 1
                for slot in range(samples):
                    for stage in range(s, until, -1):
                        one_stage(
                            stage, first + slot, slot, dy, stages, places, margin, packed, values, numbers,
                            passes, y, dx, of_input, sums[group], db[group], z, out, between,
                        )
                if is_short(places, s):
                    T, at = places[s, LENGTH], first * numbers + places[s, ROWS_AT]
                    own_sums = sums_of(stages[s], sums[group])
                    add_to_weights(stages[s], T, 0, T, margin, z, values, at, numbers, samples, own_sums)
                s = until
