"""The decoder's kernels, transformed (winograd.py) and put in the order in which the register tile reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from ..conv.plan import stage_of
from ..conv.rows import padded_rows
from ..runtime.compile import compiled, compiled_parallel
from ..runtime.packed import packed
from ..simd.tile import ROWS
from .fold import fold
from .layout import Stage, plan_of
from .winograd import KERNEL_TRANSFORMS

Array = Any


class Weights(NamedTuple):
    """Of all stages, flat: for the tiles of forward (`packed_of`), W (O, C, K) as (K, C, O) for crop.py, and b."""

    packed: Array
    by_tap: Array
    biases: Array


def weights_of(crops: tuple[tuple[int, int], ...], weights: tuple[Array, ...], biases: tuple[Array, ...]) -> Weights:
    """W (O, C, K) and b (O) of every stage; W packed, the last result again if they have not changed."""
    tiles, by_tap = packed(packing(crops), *weights)
    return Weights(tiles, by_tap, np.concatenate(biases))


@functools.cache
def packing(crops: tuple[tuple[int, int], ...]) -> Callable:
    """A function of all W that packs them."""

    def pack(*weights: Array) -> tuple[Array, Array]:
        stages = plan_of(tuple(W.shape for W in weights), crops, 1).stages  # their order is the same for every length
        tiles = np.empty(stages[-1].packed_at, np.float32)
        pack_all(stages, np.concatenate([W.ravel() for W in weights]), tiles)
        return tiles, np.concatenate([W.transpose(2, 1, 0).ravel() for W in weights])

    return pack


@compiled
def packed_of(stage: Stage, tiles: Array) -> Array:
    """A stage's transformed kernels (blocks of filters, nodes, parts · channels, ROWS)."""
    blocks, nodes, inputs, at = 2 * stage.half // ROWS, stage.nodes, stage.parts * stage.channels, stage.packed_at
    return tiles[at : at + blocks * nodes * inputs * ROWS].reshape(blocks, nodes, inputs, ROWS)


@compiled
def back_packed_of(stage: Stage, tiles: Array) -> Array:
    """The same transposed (parts, blocks of channels, nodes, filters, ROWS)."""
    blocks, at = padded_rows(stage.channels) // ROWS, stage.back_packed_at
    size = stage.parts * blocks * stage.nodes * 2 * stage.half * ROWS
    return tiles[at : at + size].reshape(stage.parts, blocks, stage.nodes, 2 * stage.half, ROWS)


@compiled_parallel
def pack_all(stages: Array, weights: Array, tiles: Array) -> None:
    """W of all stages, flat -> their places in `tiles` (`packed_of`)."""
    tiles[:] = 0  # for rows of a tile beyond the stage's filters
    for item in prange(stages[-1].b_at):
        stage = stages[stage_of(stages["b_at"], item)]
        o, C, K, taps, parts = item - stage.b_at, stage.channels, stage.kernel, stage.taps, stage.parts
        at, into, G = stage.W_at + o * C * K, packed_of(stage, tiles), KERNEL_TRANSFORMS[stage.method]
        folded = np.empty((2, C, parts * taps), np.float32)
        fold(weights[at : at + C * K].reshape(C, K), stage.begin, stage.lag, folded[0], folded[1])
        for odd in range(2):
            block, row = (odd * stage.half + o) // ROWS, o % ROWS
            for node in range(stage.nodes):
                for part in range(parts):
                    for c in range(C):
                        total = np.float32(0)
                        for k in range(taps):
                            total += G[node, k] * folded[odd, c, part * taps + k]
                        into[block, node, part * C + c, row] = total


@compiled_parallel
def pack_all_backward(stages: Array, tiles: Array, back_tiles: Array) -> None:
    """The kernels of `packed_of` -> their places in `back_tiles` (`back_packed_of`)."""
    back_tiles[:] = 0  # for rows of a tile beyond the stage's filters and channels
    for item in prange(stages[-1].b_at):
        stage = stages[stage_of(stages["b_at"], item)]
        weights, into, C = packed_of(stage, tiles), back_packed_of(stage, back_tiles), stage.channels
        for odd in range(2):
            f = odd * stage.half + item - stage.b_at
            for node in range(stage.nodes):
                for part in range(stage.parts):
                    for c in range(C):
                        into[part, c // ROWS, node, f, c % ROWS] = weights[f // ROWS, node, part * C + c, f % ROWS]
