"""The plan of a chain of convolutions: what its stages are and where everything lies, as a small table of records.

One compiled kernel runs every chain of the network (forward.py), from a single convolution to the encoder's seven. So
the chain is passed to it as data. All weights are in one flat array, all padded rows of a window in another, all
switches in a third; a record for each stage says where its own begin. Offsets count on from stage to stage, so the last
record, which stands for the chain's output, holds their totals.

    values of a window   | stage 0: rows of x | stage 1: rows of its x | …    kept for backward: each has its own place
                         | even stages' rows  | odd stages' rows |            else: two places serve in turn
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from ..runtime.compile import compiled, compiled_parallel
from ..runtime.packed import packed
from ..runtime.records import records
from ..simd.tile import ROWS
from .correlate import sums_shape
from .epilogue import POOL, StageRows
from .rows import margin_for, padded_rows, region, rows_at

Array = Any
Shape = tuple[int, int, int]  # of W (O, C, K)


class Stage(NamedTuple):
    """A record of the table; `…_at`: where the stage's own begins in an array of all stages'."""

    epilogue: int  # PLAIN, RELU or POOL
    channels: int
    filters: int
    taps: int
    length: int  # of the stage's input
    x_at: int  # padded rows of its input, in a window's values
    switches_at: int  # in a window's
    W_at: int
    packed_at: int  # weights as forward's tiles read them
    first_block: int  # blocks of ROWS filters of the stages before
    b_at: int
    back_packed_at: int  # weights as backward's tiles read them
    first_back_block: int  # blocks of ROWS channels of the stages before
    sums_at: int  # the sums of its weights' gradient


class Plan(NamedTuple):
    """A chain's stages and its output, and how much they take."""

    stages: Array  # records of Stage (S + 1)
    margin: int  # zeros between padded rows
    numbers: int  # of a window's padded rows
    longest: int  # of the stages' inputs
    switches: int  # bytes per window
    work: int  # multiplications per window


class Memory(NamedTuple):
    """What forward writes, of all windows."""

    values: Array  # flat: `numbers` per window, or per thread if they are not kept
    switches: Array  # (B, bytes)
    y: Array  # (B, O, T')


class Weights(NamedTuple):
    """W (O, C, K) of all stages, flat, and packed as forward reads them."""

    flat: Array
    packed: Array


@functools.cache
def plan_of(epilogues: tuple[int, ...], shapes: tuple[Shape, ...], lengths: tuple[int, ...], keep: bool) -> Plan:
    """The plan for stages of these W, and the lengths of the chain's input and of every stage's output."""
    margin = margin_for(max(K for _, _, K in shapes))
    sizes = [int(region(C, T, margin)) for (_, C, _), T in zip(shapes, lengths, strict=False)]
    in_turn = max(sizes[0::2]), max(sizes[1::2], default=0)
    stages, x_at, work = [], 0, 0
    switches_at = W_at = packed_at = block = b_at = back_packed_at = back_block = sums_at = 0
    for s, (epilogue, (O, C, K), T) in enumerate(zip(epilogues, shapes, lengths, strict=False)):
        own_x_at = x_at if keep else in_turn[0] * (s % 2)
        stages.append(Stage(epilogue, C, O, K, T, own_x_at, switches_at, W_at, packed_at, block, b_at, back_packed_at,
                            back_block, sums_at))
        x_at, work = x_at + sizes[s], work + O * C * K * T
        switches_at += O * lengths[s + 1] if keep and epilogue == POOL else 0
        W_at, b_at, sums_at = W_at + O * C * K, b_at + O, sums_at + math.prod(sums_shape(O, C * K))
        packed_at, block = packed_at + padded_rows(O) * C * K, block + padded_rows(O) // ROWS
        back_packed_at, back_block = back_packed_at + padded_rows(C) * O * K, back_block + padded_rows(C) // ROWS
    stages.append(Stage(0, shapes[-1][0], 0, 0, lengths[-1], x_at, switches_at, W_at, packed_at, block, b_at,
                        back_packed_at, back_block, sums_at))
    numbers, longest = x_at if keep else sum(in_turn), max(lengths[:-1])
    return Plan(records(stages), margin, numbers, longest, switches_at, work)


@compiled
def rows_of(s: int, n: int, at: int, plan: Plan, memory: Memory) -> StageRows:
    """What stage s of window n reads and writes; the window's values begin at values[at]."""
    stage, following = plan.stages[s], plan.stages[s + 1]
    x = rows_at(memory.values, at + stage.x_at, stage.channels, stage.length, plan.margin)
    columns = following.length if stage.epilogue == POOL and memory.switches.size > 0 else 0
    of_window = memory.switches[n]
    switches = of_window[stage.switches_at : stage.switches_at + stage.filters * columns]
    switches_2d = switches.reshape(stage.filters, columns)
    if s == len(plan.stages) - 2:
        return StageRows(x, memory.y[n], 0, switches_2d)
    y = rows_at(memory.values, at + following.x_at, stage.filters, following.length, plan.margin)
    return StageRows(x, y, plan.margin, switches_2d)


def weights_of(*weights: Array) -> Weights:
    """W (O, C, K) of every stage, packed; the last result again if they have not changed."""
    return packed(pack_stages, *weights)


def pack_stages(*weights: Array) -> Weights:
    """W (O, C, K) of every stage, packed."""
    count = len(weights)  # the order of weights depends neither on epilogues nor on lengths
    stages = plan_of((POOL,) * count, tuple(W.shape for W in weights), (1,) * (count + 1), False).stages
    flat, tiles = np.concatenate([W.ravel() for W in weights]), np.empty(stages[-1].packed_at, np.float32)
    pack_all(stages, flat, tiles)
    return Weights(flat, tiles)


@compiled
def weight_of(stage: Stage, flat: Array) -> Array:
    """A stage's W (O, C, K)."""
    O, C, K, at = stage.filters, stage.channels, stage.taps, stage.W_at
    return flat[at : at + O * C * K].reshape(O, C, K)


@compiled_parallel
def pack_all(stages: Array, flat: Array, tiles: Array) -> None:
    """Flat weights to those of forward's tiles."""
    for item in prange(stages[-1].first_block):
        stage = stages[stage_of(stages["first_block"], item)]
        W, block = weight_of(stage, flat), item - stage.first_block
        pack_forward(W, block, packed_block(tiles, stage.packed_at, block, W.shape[1], W.shape[2]))


@compiled
def stage_of(firsts: Array, item: int) -> int:
    """The stage that an item belongs to, counted through all stages; stage s has those from firsts[s] on."""
    s = len(firsts) - 2
    while firsts[s] > item:
        s -= 1
    return s


@compiled
def packed_block(tiles: Array, at: int, block: int, C: int, K: int) -> Array:
    """One block (C, K, ROWS) of the packed kernel that begins at tiles[at]."""
    size = C * K * ROWS
    return tiles[at + block * size : at + (block + 1) * size].reshape(C, K, ROWS)


@compiled
def pack_forward(W: Array, block: int, tile: Array) -> None:
    """One block of W (O, C, K) -> (C, K, ROWS), weights of a tile side by side, zeros for absent rows."""
    O, C, K = W.shape
    into = tile.reshape(-1)
    for r in range(ROWS):
        o = block * ROWS + r
        row = W[min(o, O - 1)].reshape(-1)
        for q in range(C * K):
            into[q * ROWS + r] = row[q] if o < O else np.float32(0)


@compiled
def pack_backward(W: Array, block: int, tile: Array) -> None:
    """The same of the weights that correlate dy (O, …) to dx (C, …), (O, K, ROWS): transposed, each kernel reversed."""
    O, _, K = W.shape
    tile[:] = 0
    for o in range(O):
        rows, into = W[o, block * ROWS : (block + 1) * ROWS], tile[o]
        for r in range(rows.shape[0]):
            for k in range(K):
                into[K - 1 - k, r] = rows[r, k]
