"""A chain of convolutions, forward: each sample goes through all stages while it is in a core's own cache.

A stage reads padded rows (rows.py), correlates them block by block of filters and piece by piece of time, and its end
(ends.py) writes the next stage's padded rows; the last stage writes the chain's output. Between two stages nothing is
copied and no thread waits for another. A few samples, too few to give every thread its share, are done stage by stage
instead, the pieces of each shared out, unless all is done sooner than threads would have met. Either way every number
is the same sum in the same order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, prange

from kernels.cpu.conv.correlate import correlate
from kernels.cpu.conv.epilogue import POOL, drain
from kernels.cpu.conv.plan import (
    BIAS,
    CHANNELS,
    END,
    FILTERS,
    LENGTH,
    PACKED,
    PASSES_AT,
    ROWS_AT,
    TAPS,
    Weights,
    packed_block,
    places_of,
    stages_of,
    weights_of,
)
from kernels.cpu.conv.rows import (
    SEGMENT,
    clear_margins,
    copy_in,
    padded_rows,
    piece_length,
    room,
    round_up,
    rows_at,
    scratch,
)
from kernels.cpu.runtime.allocator import keep_freed_memory
from kernels.cpu.runtime.compile import compiled, compiled_parallel
from kernels.cpu.simd.tile import COLUMNS, ROWS

Array = Any

LITTLE = 500_000  # multiplications, some 10 µs: no longer than threads take to meet


class Kept(NamedTuple):
    """What forward keeps for backward: tables, weights, padded rows of every stage (B, …), its poolings' bytes."""

    ends: tuple[int, ...]
    shapes: tuple[tuple[int, int, int], ...]
    places: Array
    weights: Weights
    values: Array
    numbers: int  # of `values` a sample
    passes: Array
    y: Array


def chain_forward(
    ends: tuple[int, ...],
    x: Array,
    weights: tuple[Array, ...],
    biases: tuple[Array, ...],
    lengths: tuple[int, ...],
    keep: bool = True,
) -> tuple[Array, Kept | None]:
    """x (B, C, T), W (O, C, K) and b (O) of each stage, the lengths of its outputs -> y (B, O, T'), what is kept."""
    keep_freed_memory()
    x, B, threads = np.ascontiguousarray(x), x.shape[0], get_num_threads()
    shapes = tuple(W.shape for W in weights)
    stages, packed = stages_of(ends, shapes), weights_of(*weights)
    places, numbers, passing, work = places_of((ends, shapes), (x.shape[2], *lengths), keep)
    whole = whole_samples(B, threads) or B * work < LITTLE
    slots, longest = B if keep or not whole else threads, int(places[:-1, LENGTH].max())
    values = np.empty(slots * numbers + room(0, longest, stages.margin), np.float32)
    passes = np.empty((B, passing), np.uint8)
    y = np.empty((B, shapes[-1][0], lengths[-1]), np.float32)
    run = each_sample if whole else each_stage
    run(
        x, stages.table, places, stages.margin, np.concatenate(biases), packed.packed, keep, values, numbers, passes,
        threads, y,
    )
    return y, Kept(ends, shapes, places, packed, values, numbers, passes, y) if keep else None


def whole_samples(B: int, threads: int) -> bool:
    """Whether B samples are enough to give each thread whole ones."""
    return B % threads == 0 or B >= 8 * threads


@compiled
def passes_of(stage: Array, passes: Array, at: int, T: int) -> Array:
    """A pooling's bytes (O, T) in a sample's; (O, 0) for another end, or where they are not kept."""
    rows = stage[FILTERS]
    columns = T if stage[END] == POOL and passes.size > 0 else 0
    return passes[at : at + rows * columns].reshape(rows, columns)


@compiled
def one_piece(
    stage: Array,
    T: int,
    start: int,
    length: int,
    margin: int,
    biases: Array,
    packed: Array,
    x: Array,
    out: Array,
    y: Array,
    first: int,
    passes: Array,
) -> None:
    """`length` samples of a stage's output before its end, from `start` on: padded rows x -> y (O, …), whose sample 0
    is in column `first`; `out` is scratch."""
    O, C, K, b = stage[FILTERS], stage[CHANNELS], stage[TAPS], biases[stage[BIAS] :]
    begin, count = margin + start - (K - 1) // 2, min(length, T - start)
    for block in range(padded_rows(O) // ROWS):
        correlate(x, begin, packed_block(packed, stage[PACKED], block, C, K), round_up(count, COLUMNS), out)
        o = block * ROWS
        drain(stage[END], out, o, min(ROWS, O - o), count, b, y, first, passes, start)


@compiled
def sources(
    s: int, stages: Array, places: Array, margin: int, values: Array, y: Array, passes: Array
) -> tuple[Array, Array, int, Array]:
    """Of stage s and one sample: its padded rows, where it writes to, the column of sample 0 there, and its bytes."""
    stage, T, T_out = stages[s], places[s, LENGTH], places[s + 1, LENGTH]
    x = rows_at(values, places[s, ROWS_AT], stage[CHANNELS], T, margin)
    ways = passes_of(stage, passes, places[s, PASSES_AT], T_out)
    if s == len(stages) - 1:
        return x, y, 0, ways
    return x, rows_at(values, places[s + 1, ROWS_AT], stage[FILTERS], T_out, margin), margin, ways


@compiled_parallel
def each_sample(
    x: Array,
    stages: Array,
    places: Array,
    margin: int,
    biases: Array,
    packed: Array,
    keep: bool,
    values: Array,
    numbers: int,
    passes: Array,
    threads: int,
    y: Array,
) -> None:
    """The whole chain for one sample after the other, samples shared out to threads."""
    B = x.shape[0]
    for part in prange(threads):
        out = scratch(ROWS, SEGMENT + COLUMNS)
        for n in range(part * B // threads, (part + 1) * B // threads):
            own = values[(n if keep else part) * numbers :]
            copy_in(x[n], own, places[0, ROWS_AT], margin)
            for s in range(len(stages)):
                stage, lengths = stages[s], (places[s, LENGTH], places[s + 1, LENGTH])
                rows, into, first, ways = sources(s, stages, places, margin, own, y[n], passes[n])
                if first > 0:
                    clear_margins(own, places[s + 1, ROWS_AT], stage[FILTERS], lengths[1], margin)
                length = piece_length(lengths[0], COLUMNS)
                for start in range(0, lengths[0], length):
                    one_piece(stage, lengths[0], start, length, margin, biases, packed, rows, out, into, first, ways)


@compiled_parallel
def each_stage(
    x: Array,
    stages: Array,
    places: Array,
    margin: int,
    biases: Array,
    packed: Array,
    keep: bool,
    values: Array,
    numbers: int,
    passes: Array,
    threads: int,
    y: Array,
) -> None:
    """One stage after the other for all samples, its pieces shared out to threads; arguments as in `each_sample`."""
    B = x.shape[0]
    for n in prange(B):
        copy_in(x[n], values[n * numbers :], places[0, ROWS_AT], margin)
    for s in range(len(stages)):
        stage, lengths = stages[s], (places[s, LENGTH], places[s + 1, LENGTH])
        length = piece_length(lengths[0], COLUMNS, threads)
        pieces = (lengths[0] + length - 1) // length
        for item in prange(B * pieces):
            n, start, own = item // pieces, item % pieces * length, values[item // pieces * numbers :]
            rows, into, first, ways = sources(s, stages, places, margin, own, y[n], passes[n])
            if first > 0 and start == 0:
                clear_margins(own, places[s + 1, ROWS_AT], stage[FILTERS], lengths[1], margin)
            out = scratch(ROWS, SEGMENT + COLUMNS)
            one_piece(stage, lengths[0], start, length, margin, biases, packed, rows, out, into, first, ways)
