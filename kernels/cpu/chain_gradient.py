"""What a chain's backward has summed, put in order: groups added up, and each stage's tiles of sums made its dW."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.chain import crops
from kernels.cpu.compile import compiled, compiled_parallel
from kernels.cpu.correlate import place_of_sum
from kernels.cpu.ends import UNFOLD
from kernels.cpu.fold import unfold
from kernels.cpu.plan import (
    BIAS,
    CHANNELS,
    END,
    FILTERS,
    KERNELS,
    LENGTH,
    SUMS,
    SWAPPED,
    TAPS,
    WEIGHT_TAPS,
    WEIGHTS,
    by_tap_of,
    stage_of_block,
    sums_shape,
    taps_of,
)

Array = Any

CHUNK = 4096  # numbers of the sums to a piece of work


@compiled
def sums_of(stage: Array, sums: Array) -> Array:
    """A stage's sums (blocks, tiles, SUMS_STRIDE) in those of all."""
    blocks, tiles, stride = sums_shape(stage)
    return sums[stage[SUMS] : stage[SUMS] + blocks * tiles * stride].reshape(blocks, tiles, stride)


@compiled_parallel
def add_groups(parts: Array) -> None:
    """parts[0] += all others, in order."""
    groups, count = parts.shape
    for block in prange((count + CHUNK - 1) // CHUNK):
        total = parts[0, block * CHUNK : (block + 1) * CHUNK]
        for group in range(1, groups):
            part = parts[group, block * CHUNK : (block + 1) * CHUNK]
            for i in range(total.size):
                total[i] += part[i]


@compiled_parallel
def collect(stages: Array, places: Array, sums: Array, cropped: Array, dW: Array) -> None:
    """The sums -> dW (O, C, K) of all stages, flat, filter by filter; what cropped samples had no part in is added."""
    for item in prange(stages[-1, BIAS] + stages[-1, FILTERS]):
        s = stage_of_block(stages, BIAS, item)
        stage, o = stages[s], item - stages[s, BIAS]
        rows, C, K, taps = stage[KERNELS], stage[CHANNELS], stage[WEIGHT_TAPS], stage[TAPS]
        at = stage[WEIGHTS] + o * C * K
        own, gathered = dW[at : at + C * K].reshape(C, K), sums_of(stage, sums)
        flat, tiles = gathered.reshape(-1), gathered.shape[1]
        kernel = np.zeros((2, C, taps), np.float32)
        for parity in range(2 if stage[END] == UNFOLD else 1):
            row, (first, last) = parity * (rows // 2) + o, taps_of(stage, parity == 1)
            for c in range(C):
                for k in range(first, last):
                    if stage[SWAPPED]:
                        kernel[parity, c, k] = flat[place_of_sum(c, row * taps + taps - 1 - k, tiles)]
                    else:
                        kernel[parity, c, k] = flat[place_of_sum(row, c * (last - first) + k - first, tiles)]
        if stage[END] == UNFOLD:
            unfold(kernel[0], kernel[1], own)
        else:
            own[:] = kernel[0]
        if crops(stage, (places[s, LENGTH], places[s + 1, LENGTH])):
            by_tap = by_tap_of(stage, cropped)
            for c in range(C):
                for k in range(K):
                    own[c, k] += by_tap[k, c, o]
