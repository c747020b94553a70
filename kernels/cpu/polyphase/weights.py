"""The decoder's weights, taken to Winograd's nodes and put in the order in which the register tile reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from kernels.cpu.conv.rows import padded_rows
from kernels.cpu.polyphase.fold import fold
from kernels.cpu.polyphase.layout import (
    BACK_PACKED,
    BEGIN,
    BIAS,
    CHANNELS,
    FILTERS,
    HALF,
    KERNEL,
    LAG,
    METHOD,
    NODES,
    PACKED,
    PARTS,
    TAPS,
    WEIGHTS,
    phases_of,
)
from kernels.cpu.polyphase.winograd import WEIGHTS as TO_NODES
from kernels.cpu.runtime.compile import compiled, compiled_parallel
from kernels.cpu.runtime.packed import prepared
from kernels.cpu.simd.tile import ROWS

Array = Any


class Weights(NamedTuple):
    """All stages' weights, flat: for the tiles of forward (`packed_of`), and W (O, C, K) as (K, C, O) for crop.py."""

    packed: Array
    by_tap: Array


def weights_of(crops: tuple[tuple[int, int], ...], weights: tuple[Array, ...]) -> Weights:
    """W (O, C, K) of every stage, packed; the last result again where they have not changed."""
    return prepared(packing(crops), *weights)


@functools.cache
def packing(crops: tuple[tuple[int, int], ...]) -> Callable:
    """A function of all W that packs them."""

    def pack(*weights: Array) -> Weights:
        phases = phases_of(tuple(W.shape for W in weights), crops, 1)  # their order is the same for every length
        packed = np.empty(phases.packed, np.float32)
        pack_all(phases.table, np.concatenate([W.ravel() for W in weights]), packed)
        return Weights(packed, np.concatenate([W.transpose(2, 1, 0).ravel() for W in weights]))

    return pack


@compiled
def packed_of(stage: Array, packed: Array) -> Array:
    """A stage's weights at the nodes (blocks of filters, nodes, parts · channels, ROWS)."""
    blocks, nodes, inputs, at = 2 * stage[HALF] // ROWS, stage[NODES], stage[PARTS] * stage[CHANNELS], stage[PACKED]
    return packed[at : at + blocks * nodes * inputs * ROWS].reshape(blocks, nodes, inputs, ROWS)


@compiled
def back_packed_of(stage: Array, packed: Array) -> Array:
    """The same turned about (parts, blocks of channels, nodes, filters, ROWS)."""
    blocks, at = padded_rows(stage[CHANNELS]) // ROWS, stage[BACK_PACKED]
    size = stage[PARTS] * blocks * stage[NODES] * 2 * stage[HALF] * ROWS
    return packed[at : at + size].reshape(stage[PARTS], blocks, stage[NODES], 2 * stage[HALF], ROWS)


@compiled
def stage_of_filter(table: Array, item: int) -> int:
    """The stage that a filter belongs to, filters counted through all stages."""
    s = len(table) - 2
    while table[s, BIAS] > item:
        s -= 1
    return s


@compiled_parallel
def pack_all(table: Array, weights: Array, packed: Array) -> None:
    """W of all stages, flat -> all that `packed_of` finds."""
    packed[:] = 0  # for filters that a tile has and the stage has not
    for item in prange(table[-2, BIAS] + table[-2, FILTERS]):
        stage = table[stage_of_filter(table, item)]
        o, C, K, taps, parts = item - stage[BIAS], stage[CHANNELS], stage[KERNEL], stage[TAPS], stage[PARTS]
        at, into, G = stage[WEIGHTS] + o * C * K, packed_of(stage, packed), TO_NODES[stage[METHOD]]
        folded = np.empty((2, C, parts * taps), np.float32)
        fold(weights[at : at + C * K].reshape(C, K), stage[BEGIN], stage[LAG], folded[0], folded[1])
        for odd in range(2):
            block, row = (odd * stage[HALF] + o) // ROWS, o % ROWS
            for node in range(stage[NODES]):
                for part in range(parts):
                    for c in range(C):
                        total = np.float32(0)
                        for k in range(taps):
                            total += G[node, k] * folded[odd, c, part * taps + k]
                        into[block, node, part * C + c, row] = total


@compiled_parallel
def pack_all_backward(table: Array, packed: Array, back_packed: Array) -> None:
    """What `packed_of` finds, for `back_packed_of` to find."""
    back_packed[:] = 0  # for filters and channels that a tile has and the stage has not
    for item in prange(table[-2, BIAS] + table[-2, FILTERS]):
        stage = table[stage_of_filter(table, item)]
        weights, into, C = packed_of(stage, packed), back_packed_of(stage, back_packed), stage[CHANNELS]
        for odd in range(2):
            f = odd * stage[HALF] + item - stage[BIAS]
            for node in range(stage[NODES]):
                for part in range(stage[PARTS]):
                    for c in range(C):
                        into[part, c // ROWS, node, f, c % ROWS] = weights[f // ROWS, node, part * C + c, f % ROWS]
