"""A chain of convolutions, backward: each window's gradient comes back through all stages in a core's own cache.

A stage's gradient z, before its epilogue, is written to scratch piece by piece, and is correlated twice while it is in
the cache. With y[o, t] = Σ_c Σ_k W[o, c, k] x[c, t + k - left],

    dx[c, t]    = Σ_o Σ_k W[o, c, k] z[o, t - k + left]      a correlation of z with the reversed kernel, so a piece
                                                             needs right = K - 1 - left more samples at its left
    dW[o, c, k] = Σ_t z[o, t] x[c, t + k - left]             dot products of rows of z with rows of x

dx is the dy of the stage before. The sums for dW over a batch are taken in at most GROUPS groups of windows, each in
order, and then group by group: the number of threads never changes a result.

A tile of dW ends with adding up its lanes, which costs as much as 48 samples of the sum. A long stage adds its pieces
to dW as they come. A short one keeps the z of a microbatch of windows side by side and adds them all at once:

    long stages     window 0: stages s, s - 1, …, each with its own dW; then window 1, …
    short stage     z of window 0 | z of window 1 | z of window 2 | z of window 3, then dW once
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from ..runtime.compile import compiled, compiled_parallel
from ..runtime.process import keep_freed_memory
from ..simd.tile import COLUMNS, ROWS
from .correlate import FlatRows, correlate, correlate_gradient
from .epilogue import StageRows, epilogue_backward
from .forward import Kept
from .gradient import add_groups, collect, split, sums_of
from .plan import Memory, Plan, Stage, pack_backward, packed_block, rows_of, stage_of, weight_of
from .rows import GROUPS, SEGMENT, clear, padded_rows, piece_length, round_up, scratch

Array = Any

MICROBATCH = 4  # windows that a short stage adds to dW together
SHORT = 192  # samples or fewer: there adding up a tile's lanes takes as long as a piece of the sum


class Gradients(NamedTuple):
    """Of a chain: dy (B, O, T') arrives, dx (B, C, T) leaves, empty if it is not needed; sums for dW and db
    (groups, …), or of one group."""

    dy: Array
    dx: Array
    sums: Array
    db: Array


class StageGradients(NamedTuple):
    """Of one stage and window: dy (O, T') arrives, dx (C, T) leaves, to db (O) is added."""

    dy: Array
    dx: Array
    db: Array


class Scratch(NamedTuple):
    """What a thread works with: z before an epilogue, a block of sums, gradients between stages."""

    z: Array
    out: Array
    between: Array  # (MICROBATCH, 2, numbers)


def chain_backward(
    dy: Array, kept: Kept, need_dx: bool = True
) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """dy (B, O, T') -> dx (B, C, T), None without `need_dx`, dW (O, C, K) and db (O) of every stage."""
    keep_freed_memory(large=True)
    B, stages = len(dy), kept.plan.stages
    first, end, groups = stages[0], stages[-1], max(1, min(GROUPS, B))  # one even without windows: its sums are zero
    packed = np.empty(end.back_packed_at, np.float32)
    pack_all_backward(stages, kept.weights.flat, packed)
    gradients = Gradients(
        np.ascontiguousarray(dy),
        np.empty((B, first.channels, first.length) if need_dx else (B, 0, 0), np.float32),
        np.empty((groups, end.sums_at), np.float32),
        np.empty((groups, end.b_at), np.float32),
    )
    each_group(kept.plan, packed, kept.memory, gradients)
    dW = np.empty(end.W_at, np.float32)
    add_groups(gradients.sums)
    collect(stages, gradients.sums[0], dW)
    dbs = split(gradients.db.sum(axis=0), stages["b_at"], [shape[:1] for shape in kept.shapes])
    return gradients.dx if need_dx else None, split(dW, stages["W_at"], kept.shapes), dbs


@compiled_parallel
def pack_all_backward(stages: Array, flat: Array, packed: Array) -> None:
    """The weights of all stages, packed as `correlate` reads them for dx."""
    for item in prange(stages[-1].first_back_block):
        stage = stages[stage_of(stages["first_back_block"], item)]
        W, block = weight_of(stage, flat), item - stage.first_back_block
        pack_backward(W, block, packed_block(packed, stage.back_packed_at, block, W.shape[0], W.shape[2]))


@compiled
def one_piece(
    stage: Stage,
    rows: StageRows,
    start: int,
    length: int,
    margin: int,
    packed: Array,
    gradients: StageGradients,
    scratch: Scratch,
) -> None:
    """`length` samples from `start` on, as far as there are: dy -> z, sample `start` in column margin -> dx, db."""
    O, K, count = stage.filters, stage.taps, min(length, stage.length - start)
    z, out, dx, db = scratch.z, scratch.out, gradients.dx, gradients.db
    right, C = K - 1 - (K - 1) // 2, dx.shape[0]
    epilogue_backward(stage, rows, gradients.dy, z, margin - right, start - right, length + K - 1)
    for block in range(padded_rows(C) // ROWS):  # none if dx is not needed
        weights = packed_block(packed, stage.back_packed_at, block, O, K)
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
    stage: Stage, x: FlatRows, z: Array, margin: int, start: int, count: int, windows: int, sums: Array
) -> None:
    """`count` samples from `start` on of some windows, added to their stage's sums: z as `one_piece` wrote it, window
    after window, x their padded rows."""
    width, at = z.shape[1], x.start + margin + start - (stage.taps - 1) // 2
    correlate_gradient(
        FlatRows(z.reshape(-1), margin, width, stage.filters * width), FlatRows(x.values, at, x.row, x.window),
        windows, count, stage.channels, stage.taps, sums,
    )


@compiled
def input_rows(stage: Stage, n: int, plan: Plan, memory: Memory) -> FlatRows:
    """The padded rows of a stage's input, from window n on."""
    at = n * plan.numbers + stage.x_at
    return FlatRows(memory.values, at, plan.margin + stage.length, plan.numbers)


@compiled
def is_short(stage: Stage) -> bool:
    """Whether a stage's sequences are so short that a microbatch adds to its weights at once."""
    return stage.length <= SHORT


@compiled
def largest(stages: Array) -> tuple[int, int]:
    """The most rows of z, and the most numbers of a dx that is not the chain's own, of all stages."""
    rows, numbers = 0, 0
    for s in range(len(stages) - 1):
        rows = max(rows, padded_rows(stages[s].filters) * (MICROBATCH if is_short(stages[s]) else 1))
        if s > 0:
            numbers = max(numbers, stages[s].channels * stages[s].length)
    return rows, numbers


@compiled
def between_stages(s: int, slot: int, stages: Array, between: Array) -> Array:
    """The place of the gradient (C, T) that stage s passes to the one before it, of one window of a microbatch.

    Between two long stages all windows use a single place in turn.
    """
    own = slot if is_short(stages[s]) or is_short(stages[s - 1]) else 0
    C, T = stages[s].channels, stages[s].length
    return between[own, s % 2, : C * T].reshape(C, T)


@compiled
def stage_backward(
    s: int, n: int, slot: int, plan: Plan, packed: Array, memory: Memory, gradients: Gradients, scratch: Scratch
) -> None:
    """Stage s of window n; of a short one z stays in its slot, to be added to dW with the rest of the microbatch."""
    stage, rows = plan.stages[s], rows_of(s, n, n * plan.numbers, plan, memory)
    last = s == len(plan.stages) - 2
    dy = gradients.dy[n] if last else between_stages(s + 1, slot, plan.stages, scratch.between)
    dx = gradients.dx[n] if s == 0 else between_stages(s, slot, plan.stages, scratch.between)
    own = StageGradients(dy, dx, gradients.db[stage.b_at : stage.b_at + stage.filters])
    short, length = is_short(stage), piece_length(stage.length, COLUMNS)
    first = slot * stage.filters if short else 0
    z = scratch.z[first : first + stage.filters]
    own_scratch = Scratch(z, scratch.out, scratch.between)
    for start in range(0, stage.length, length):
        one_piece(stage, rows, start, length, plan.margin, packed, own, own_scratch)
        if not short:
            x, count = input_rows(stage, n, plan, memory), min(length, stage.length - start)
            add_to_weights(stage, x, z, plan.margin, start, count, 1, sums_of(stage, gradients.sums))


@compiled_parallel
def each_group(plan: Plan, packed: Array, memory: Memory, gradients: Gradients) -> None:
    """The whole chain, groups of windows shared out to threads, a microbatch at a time.

    From the last stage to the first: a run of long stages is done by one window after the other; a short stage by
    all windows, then its weights at once.
    """
    stages, margin = plan.stages, plan.margin
    B, groups = len(gradients.dy), len(gradients.db)
    rows, most = largest(stages)
    for group in prange(groups):
        own = Gradients(gradients.dy, gradients.dx, gradients.sums[group], gradients.db[group])
        own_scratch = Scratch(
            scratch(rows, margin + SEGMENT + COLUMNS + margin),
            scratch(ROWS, SEGMENT + COLUMNS),
            np.empty((MICROBATCH, 2, most), np.float32),
        )
        clear(own.sums)
        clear(own.db)
        beyond = (group + 1) * B // groups
        for first in range(group * B // groups, beyond, MICROBATCH):
            windows, s = min(MICROBATCH, beyond - first), len(stages) - 2
            while s >= 0:
                until = s - 1  # the stage to go on with
                while not is_short(stages[s]) and until >= 0 and not is_short(stages[until]):
                    until -= 1
                for slot in range(windows):
                    for stage in range(s, until, -1):
                        stage_backward(stage, first + slot, slot, plan, packed, memory, own, own_scratch)
                if is_short(stages[s]):
                    x, T = input_rows(stages[s], first, plan, memory), stages[s].length
                    sums = sums_of(stages[s], own.sums)
                    add_to_weights(stages[s], x, own_scratch.z, margin, 0, T, windows, sums)
                s = until
