"""A chain of convolutions, forward: each window goes through all stages while it is in a core's own cache.

A stage reads padded rows (rows.py), correlates them block by block of filters and piece by piece of time, and its
epilogue writes the next stage's padded rows; the last stage writes the chain's output. Between two stages nothing is
copied and no thread waits for another. Too few windows to occupy all threads are done stage by stage instead, with the
pieces of each shared out, unless the work takes less time than synchronising threads. Either way every number is the
same sum in the same order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, prange

from ..runtime.compile import compiled, compiled_parallel
from ..runtime.process import keep_freed_memory
from ..simd.tile import COLUMNS, ROWS
from .correlate import correlate
from .epilogue import StageRows, epilogue
from .plan import Memory, Plan, Shape, Stage, Weights, packed_block, plan_of, rows_of, weights_of
from .rows import SEGMENT, clear_margins, copy_in, padded_rows, piece_length, room, round_up, scratch

Array = Any

LITTLE = 500_000  # multiplications, some 10 µs: no longer than it takes to synchronise threads


class Kept(NamedTuple):
    """What forward keeps for backward."""

    shapes: tuple[Shape, ...]
    plan: Plan
    weights: Weights
    memory: Memory


def chain_forward(
    epilogues: tuple[int, ...],
    x: Array,
    weights: tuple[Array, ...],
    biases: tuple[Array, ...],
    lengths: tuple[int, ...],
    keep: bool = True,
) -> tuple[Array, Kept | None]:
    """x (B, C, T), W (O, C, K) and b (O) of each stage, the lengths of its outputs -> y (B, O, T'), what is kept."""
    keep_freed_memory()
    x, B, threads = np.ascontiguousarray(x), x.shape[0], get_num_threads()
    shapes, packed = tuple(W.shape for W in weights), weights_of(*weights)
    plan = plan_of(epilogues, shapes, (x.shape[2], *lengths), keep)
    whole = whole_windows(B, threads) or B * plan.work < LITTLE
    slots = B if keep or not whole else threads
    memory = Memory(
        np.empty(slots * plan.numbers + room(0, plan.longest, plan.margin), np.float32),
        np.empty((B, plan.switches), np.uint8),
        np.empty((B, shapes[-1][0], lengths[-1]), np.float32),
    )
    run = each_window if whole else each_stage
    run(x, plan, packed.packed, np.concatenate(biases), memory, keep, threads)
    return memory.y, Kept(shapes, plan, packed, memory) if keep else None


def whole_windows(B: int, threads: int) -> bool:
    """Whether B windows are enough to give each thread whole ones."""
    return B % threads == 0 or B >= 8 * threads


@compiled
def one_piece(
    stage: Stage, rows: StageRows, start: int, length: int, margin: int, packed: Array, biases: Array, out: Array
) -> None:
    """`length` samples of a stage from `start` on, as far as it has them; `out` is scratch."""
    C, K, count = stage.channels, stage.taps, min(length, stage.length - start)
    begin = margin + start - (K - 1) // 2
    for block in range(padded_rows(stage.filters) // ROWS):
        weights = packed_block(packed, stage.packed_at, block, C, K)
        correlate(rows.x, begin, weights, round_up(count, COLUMNS), out)
        epilogue(stage, block, out, biases, rows, start, count)


@compiled_parallel
def each_window(
    x: Array, plan: Plan, packed: Array, biases: Array, memory: Memory, keep: bool, threads: int
) -> None:
    """The whole chain for one window after the other, windows shared out to threads."""
    B, stages, margin = x.shape[0], plan.stages, plan.margin
    for part in prange(threads):
        out = scratch(ROWS, SEGMENT + COLUMNS)
        for n in range(part * B // threads, (part + 1) * B // threads):
            at = n * plan.numbers if keep else part * plan.numbers
            copy_in(x[n], memory.values, at + stages[0].x_at, margin)
            for s in range(len(stages) - 1):
                stage, following, rows = stages[s], stages[s + 1], rows_of(s, n, at, plan, memory)
                if rows.first > 0:
                    clear_margins(memory.values, at + following.x_at, stage.filters, following.length, margin)
                length = piece_length(stage.length, COLUMNS)
                for start in range(0, stage.length, length):
                    one_piece(stage, rows, start, length, margin, packed, biases, out)


@compiled_parallel
def each_stage(
    x: Array, plan: Plan, packed: Array, biases: Array, memory: Memory, keep: bool, threads: int
) -> None:
    """One stage after the other for all windows, its pieces shared out to threads; arguments as in `each_window`."""
    B, stages, margin = x.shape[0], plan.stages, plan.margin
    for n in prange(B):
        copy_in(x[n], memory.values, n * plan.numbers + stages[0].x_at, margin)
    for s in range(len(stages) - 1):
        length = piece_length(stages[s].length, COLUMNS, threads)
        pieces = (stages[s].length + length - 1) // length
        for item in prange(B * pieces):
            n, start = item // pieces, item % pieces * length
            at = n * plan.numbers
            stage, following, rows = stages[s], stages[s + 1], rows_of(s, n, at, plan, memory)
            if rows.first > 0 and start == 0:
                clear_margins(memory.values, at + following.x_at, stage.filters, following.length, margin)
            out = scratch(ROWS, SEGMENT + COLUMNS)
            one_piece(stage, rows, start, length, margin, packed, biases, out)
