"""The plan of a chain of convolutions: what its stages are and where everything lies, in two small tables of integers.

One compiled kernel runs every chain of the network (chain.py), from a single convolution to the decoder's eight. So it
is told the chain as data: weights of all stages in one flat array each, values of all stages in another, and tables of
where a stage's begin. `stages` (S, columns below) depends on the weights' shapes, `places` (S + 1, …) on the length of
the sequence too; row s of it belongs to stage s's input, the last row to the chain's output.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from kernels.cpu.compile import compiled, compiled_parallel
from kernels.cpu.ends import POOL, UNFOLD
from kernels.cpu.fold import fold, folded_shape
from kernels.cpu.prepared import prepared
from kernels.cpu.rows import margin_for, padded_rows, region
from kernels.cpu.tile import ROWS, SUMS_STRIDE, VECTORS

Array = Any

FEW = ROWS // 4  # up to so many filters are correlated one by one: a tile of ROWS would be mostly empty

# Columns of `stages`: its end (ends.py), channels and filters; rows and taps of the kernel that is correlated (folded,
# if it is), and how far left of t it begins; where its weights, kernel, packed kernel, blocks and bias begin, and the
# same of what backward wants: packed kernel, blocks, sums.
END, CHANNELS, FILTERS, KERNELS, TAPS, LEFT, WEIGHTS, KERNEL, PACKED, BLOCK, BIAS = range(11)
BACK_PACKED, BACK_BLOCK, SUMS, SWAPPED, WEIGHT_TAPS = range(11, 16)
# Columns of `places`: the sequence's length, where its padded rows begin, and its bytes of a pooling.
LENGTH, ROWS_AT, PASSES_AT = range(3)


class Stages(NamedTuple):
    """The table of a chain's stages, and how much its flat arrays hold in all."""

    table: Array
    margin: int
    weights: int
    kernels: int
    packed: int
    back_packed: int
    sums: int


class Weights(NamedTuple):
    """A chain's weights in the order in which kernels read them, all flat.

    `by_tap` holds W (O, C, K) as (K, C, O), stage by stage: for the few samples beside a cropped end.
    """

    kernels: Array
    packed: Array
    by_tap: Array


@functools.cache
def stages_of(ends: tuple[int, ...], shapes: tuple[tuple[int, int, int], ...]) -> Stages:
    """The table for stages with these ends and W of these shapes (O, C, K)."""
    table = np.zeros((len(ends), 16), np.int64)
    weights = kernels = packed = blocks = bias = back_packed = back_blocks = sums = 0
    for row, end, (O, C, K) in zip(table, ends, shapes, strict=True):
        rows, taps, left = folded_shape(O, K) if end == UNFOLD else (O, K, (K - 1) // 2)
        swapped = rows <= FEW < C  # in backward: x in the rows, z in the vectors, dW transposed, each kernel reversed
        row[:] = (end, C, O, rows, taps, left, weights, kernels, packed, blocks, bias,
                  back_packed, back_blocks, sums, swapped, K)
        weights += O * C * K
        kernels += rows * C * taps
        packed += padded_rows(rows) * C * taps
        blocks += padded_rows(rows) // ROWS
        bias += O
        back_packed += padded_rows(C) * rows * taps
        back_blocks += padded_rows(C) // ROWS
        sums += math.prod(sums_shape(row))
    margin = margin_for(int(table[:, TAPS].max()))
    return Stages(table, margin, weights, kernels, packed, back_packed, sums)


@compiled
def sums_shape(stage: Array) -> tuple[int, int, int]:
    """(blocks, tiles, SUMS_STRIDE) of the sums of a stage's weight gradient."""
    rows, others = (stage[CHANNELS], stage[KERNELS]) if stage[SWAPPED] else (stage[KERNELS], stage[CHANNELS])
    return padded_rows(rows) // ROWS, (others * stage[TAPS] + VECTORS - 1) // VECTORS, SUMS_STRIDE


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
    work = sum(int(row[KERNELS] * row[CHANNELS] * row[TAPS]) * T for row, T in zip(table, lengths, strict=False))
    return places, numbers, passes, work


def weights_of(ends: tuple[int, ...], weights: tuple[Array, ...]) -> Weights:
    """W (O, C, K) of every stage, packed; the last result again where they have not changed."""
    return prepared(packing(ends), *weights)


@functools.cache
def packing(ends: tuple[int, ...]) -> Callable:
    """A function of all W that packs them for a chain with these ends."""

    def pack(*weights: Array) -> Weights:
        stages = stages_of(ends, tuple(W.shape for W in weights))
        kernels, packed = np.empty(stages.kernels, np.float32), np.empty(stages.packed, np.float32)
        by_tap = np.empty(stages.weights, np.float32)
        pack_all(stages.table, np.concatenate([W.ravel() for W in weights]), kernels, packed, by_tap)
        return Weights(kernels, packed, by_tap)

    return pack


@compiled
def kernel_of(stage: Array, kernels: Array) -> Array:
    """The kernel (rows, C, taps) that a stage correlates with."""
    rows, C, taps, at = stage[KERNELS], stage[CHANNELS], stage[TAPS], stage[KERNEL]
    return kernels[at : at + rows * C * taps].reshape(rows, C, taps)


@compiled
def taps_of(stage: Array, odd: bool) -> tuple[int, int]:
    """From which tap to which a stage's kernels reach; folded ones begin or end with zeros, the odd ones at other taps
    than the even."""
    if stage[END] != UNFOLD:
        return 0, stage[TAPS]
    left = (stage[WEIGHT_TAPS] - 1) // 2
    first, last = (odd - left) >> 1, (stage[WEIGHT_TAPS] - 1 - left + odd) >> 1
    return first + stage[LEFT], last + stage[LEFT] + 1


@compiled
def by_tap_of(stage: Array, by_tap: Array) -> Array:
    """A stage's weights as (K, C, O)."""
    O, C, K, at = stage[FILTERS], stage[CHANNELS], stage[WEIGHT_TAPS], stage[WEIGHTS]
    return by_tap[at : at + O * C * K].reshape(K, C, O)


@compiled_parallel
def pack_all(stages: Array, weights: Array, kernels: Array, packed: Array, by_tap: Array) -> None:
    """Weights, flat, to all that forward wants of them."""
    for s in prange(len(stages)):
        stage = stages[s]
        O, C, K, at = stage[FILTERS], stage[CHANNELS], stage[WEIGHT_TAPS], stage[WEIGHTS]
        W, kernel = weights[at : at + O * C * K].reshape(O, C, K), kernel_of(stage, kernels)
        if stage[END] == UNFOLD:
            fold(W, kernel)
            reordered = by_tap_of(stage, by_tap)
            for o in range(O):
                for c in range(C):
                    for k in range(K):
                        reordered[k, c, o] = W[o, c, k]
        else:
            kernel[:] = W
    last = stages[-1]
    for block in prange(last[BLOCK] + padded_rows(last[KERNELS]) // ROWS):
        s = stage_of_block(stages, BLOCK, block)
        kernel, at = kernel_of(stages[s], kernels), block - stages[s, BLOCK]
        into = packed_block(packed, stages[s, PACKED], at, kernel.shape[1], kernel.shape[2])
        pack_forward(kernel, at, into)


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
