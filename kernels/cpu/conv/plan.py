"""The plan of a chain of convolutions: what its stages are and where everything lies, in two small tables of integers.

One compiled kernel runs every chain of the network (chain.py), from a single convolution to the encoder's seven. So it
is told the chain as data: weights of all stages in one flat array each, values of all stages in another, and tables of
where a stage's begin. `stages` (S, columns below) depends on the weights' shapes, `places` (S + 1, …) on the length of
the sequence too; row s of it belongs to stage s's input, the last row to the chain's output.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from kernels.cpu.conv.epilogue import POOL
from kernels.cpu.conv.rows import margin_for, padded_rows, region
from kernels.cpu.runtime.compile import compiled, compiled_parallel
from kernels.cpu.runtime.packed import prepared
from kernels.cpu.simd.tile import ROWS, SUMS_STRIDE, VECTORS

Array = Any

# Columns of `stages`: its end (ends.py), channels, filters and taps; where its weights, packed weights, blocks of them
# and bias begin, and the same of what backward wants: packed weights, blocks, sums.
END, CHANNELS, FILTERS, TAPS, WEIGHTS, PACKED, BLOCK, BIAS, BACK_PACKED, BACK_BLOCK, SUMS = range(11)
# Columns of `places`: the sequence's length, where its padded rows begin, and its bytes of a pooling.
LENGTH, ROWS_AT, PASSES_AT = range(3)


class Stages(NamedTuple):
    """The table of a chain's stages, and how much its flat arrays hold in all."""

    table: Array
    margin: int
    weights: int
    packed: int
    back_packed: int
    sums: int


class Weights(NamedTuple):
    """W (O, C, K) of all stages, flat, and packed as forward reads them."""

    flat: Array
    packed: Array


@functools.cache
def stages_of(ends: tuple[int, ...], shapes: tuple[tuple[int, int, int], ...]) -> Stages:
    """The table for stages with these ends and W of these shapes (O, C, K)."""
    table = np.zeros((len(ends), 11), np.int64)
    weights = packed = blocks = bias = back_packed = back_blocks = sums = 0
    for row, end, (O, C, K) in zip(table, ends, shapes, strict=True):
        row[:] = end, C, O, K, weights, packed, blocks, bias, back_packed, back_blocks, sums
        weights, bias = weights + O * C * K, bias + O
        packed, blocks = packed + padded_rows(O) * C * K, blocks + padded_rows(O) // ROWS
        back_packed, back_blocks = back_packed + padded_rows(C) * O * K, back_blocks + padded_rows(C) // ROWS
        sums += math.prod(sums_shape(row))
    return Stages(table, margin_for(int(table[:, TAPS].max())), weights, packed, back_packed, sums)


@compiled
def sums_shape(stage: Array) -> tuple[int, int, int]:
    """(blocks, tiles, SUMS_STRIDE) of the sums of a stage's weight gradient."""
    pairs = stage[CHANNELS] * stage[TAPS]
    return padded_rows(stage[FILTERS]) // ROWS, (pairs + VECTORS - 1) // VECTORS, SUMS_STRIDE


@functools.cache
def places_of(stages: tuple, lengths: tuple[int, ...], keep: bool) -> tuple[Array, int, int, int]:
    """`places` for `stages` (ends, shapes) and the lengths of the chain's input and of every stage's output; numbers
    and bytes that a sample takes, and its multiplications.

    Everything has a place of its own where it is kept for backward; else two places serve in turn.
    """
    table, margin, *_ = stages_of(*stages)
    places, passes = np.zeros((len(lengths), 3), np.int64), 0
    sizes = [region(int(stage[CHANNELS]), T, margin) for stage, T in zip(table, lengths, strict=False)]
    offsets = [0, *np.cumsum(sizes)] if keep else [max(sizes[0::2]) * (s % 2) for s in range(len(sizes) + 1)]
    for s, T in enumerate(lengths):
        places[s] = T, offsets[s], passes
        if keep and s < len(table) and table[s, END] == POOL:
            passes += int(table[s, FILTERS]) * lengths[s + 1]
    numbers = int(offsets[-1] if keep else max(sizes[0::2]) + max(sizes[1::2], default=0))
    work = sum(int(row[FILTERS] * row[CHANNELS] * row[TAPS]) * T for row, T in zip(table, lengths, strict=False))
    return places, numbers, passes, work


def weights_of(*weights: Array) -> Weights:
    """W (O, C, K) of every stage, packed; the last result again where they have not changed."""
    return prepared(pack_stages, *weights)


def pack_stages(*weights: Array) -> Weights:
    """W (O, C, K) of every stage, packed."""
    stages = stages_of((POOL,) * len(weights), tuple(W.shape for W in weights))  # one order for all ends
    flat, packed = np.concatenate([W.ravel() for W in weights]), np.empty(stages.packed, np.float32)
    pack_all(stages.table, flat, packed)
    return Weights(flat, packed)


@compiled
def weight_of(stage: Array, flat: Array) -> Array:
    """A stage's W (O, C, K)."""
    O, C, K, at = stage[FILTERS], stage[CHANNELS], stage[TAPS], stage[WEIGHTS]
    return flat[at : at + O * C * K].reshape(O, C, K)


@compiled_parallel
def pack_all(stages: Array, flat: Array, packed: Array) -> None:
    """Weights, flat, to those of forward's tiles."""
    last = stages[-1]
    for block in prange(last[BLOCK] + padded_rows(last[FILTERS]) // ROWS):
        s = stage_of_block(stages, BLOCK, block)
        W, at = weight_of(stages[s], flat), block - stages[s, BLOCK]
        pack_forward(W, at, packed_block(packed, stages[s, PACKED], at, W.shape[1], W.shape[2]))


@compiled
def stage_of_block(stages: Array, column: int, block: int) -> int:
    """The stage that a block belongs to, blocks counted through all stages; `column` says where a stage's begin."""
    s = len(stages) - 1
    while stages[s, column] > block:
        s -= 1
    return s


@compiled
def packed_block(packed: Array, at: int, block: int, C: int, K: int) -> Array:
    """One block (C, K, ROWS) of the packed kernel that begins at packed[at]."""
    size = C * K * ROWS
    return packed[at + block * size : at + (block + 1) * size].reshape(C, K, ROWS)


@compiled
def pack_forward(W: Array, block: int, packed: Array) -> None:
    """One block of W (O, C, K) -> packed (C, K, ROWS), weights of a tile side by side, zeros for absent rows."""
    O, C, K = W.shape
    into = packed.reshape(-1)
    for r in range(ROWS):
        o = block * ROWS + r
        row = W[min(o, O - 1)].reshape(-1)
        for q in range(C * K):
            into[q * ROWS + r] = row[q] if o < O else np.float32(0)


@compiled
def pack_backward(W: Array, block: int, packed: Array) -> None:
    """The same of the weights that correlate dy (O, …) to dx (C, …), packed (O, K, ROWS): transposed, and each kernel
    reversed."""
    O, _, K = W.shape
    packed[:] = 0
    for o in range(O):
        rows, into = W[o, block * ROWS : (block + 1) * ROWS], packed[o]
        for r in range(rows.shape[0]):
            for k in range(K):
                into[K - 1 - k, r] = rows[r, k]
