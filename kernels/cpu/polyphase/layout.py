"""Sequences taken apart into phases: how the decoder's samples lie in memory, and the plan of its stages.

Every stage doubles a sequence, so after s of them sample t = P u + p, P = 2^s, is the p-th that came of the decoder's
own sample u. It stays beside its like: a phase is a row for every channel, each as long as the decoder's input:

    phase 0: channel 0: samples 0, P, 2P, … | zeros | channel 1 … | phase 1: channel 0: samples 1, P + 1, 2P + 1, … | …

A convolution after upsampling, folded (fold.py), is a sum over rows here, and no sample moves in time: neighbours of a
phase are neighbouring rows, and beyond the last phase comes the first again, one sample later, which is an address and
no copy. Rows beside each other are also what Winograd's convolution (winograd.py) wants: its transforms are sums of
whole rows. Several outputs of a stage are taken together, four where there are so many phases.

What a crop takes away keeps its place, with zeros in it: so many first phases have no first sample, so many last ones
no last.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from kernels.cpu.conv.rows import padded_rows, region, round_up
from kernels.cpu.polyphase.fold import folded_taps
from kernels.cpu.polyphase.winograd import METHODS
from kernels.cpu.runtime.compile import compiled
from kernels.cpu.simd.tile import COLUMNS, LANES, ROWS, SUMS_STRIDE, VECTORS

Array = Any

# Columns of the table of stages. A group of OUTPUTS even outputs from t on reads the rows from t - BEGIN on, and the
# odd outputs that read the same rows are LAG pairs earlier. A kernel of more taps than its method has is several PARTS,
# as if of other channels. HALF: filters rounded up to whole tiles; even ones fill the first half, odd ones the second.
METHOD, OUTPUTS, NODES, TAPS, PARTS, LEVEL, CHANNELS, FILTERS, KERNEL, HALF, BEGIN, LAG = range(12)
# Where things begin: W and b, weights at the nodes, as backward wants them, its sums for them; the stage's input.
WEIGHTS, BIAS, PACKED, BACK_PACKED, SUMS, ROWS_AT = range(12, 18)
# What the stage crops of its upsampled input, and what earlier crops have left: phases without first and last sample.
CROP_LEFT, CROP_RIGHT, ZEROS_LEFT, ZEROS_RIGHT = range(18, 22)


class Phases(NamedTuple):
    """The plan of a decoder: a row of `table` for each stage and one for the output, and what flat arrays hold."""

    table: Array
    T: int  # samples of the decoder's input, and of every row
    width: int  # of a row, with the zeros after it
    numbers: int  # of the rows of all stages, a sample
    weights: int
    packed: int
    back_packed: int
    sums: int


@functools.cache
def phases_of(shapes: tuple[tuple[int, int, int], ...], crops: tuple[tuple[int, int], ...], T: int) -> Phases:
    """The plan for stages with W of these shapes (O, C, K) and crops of 0 or 1 at each end."""
    table = np.zeros((len(shapes) + 1, 22), np.int64)
    weights = bias = packed = back_packed = sums = reach = 0
    for s, ((O, C, K), crop) in enumerate(zip(shapes, crops, strict=True)):
        begin, lag, taps = folded_taps(K)
        method = method_for(2**s, taps)
        outputs, part, nodes = METHODS[method].outputs, METHODS[method].taps, len(METHODS[method].to_nodes)
        parts, half = -(-taps // part), int(padded_rows(O))
        row = table[s]
        row[: ROWS_AT] = (method, outputs, nodes, part, parts, s, C, O, K, half, begin, lag,
                          weights, bias, packed, back_packed, sums)
        row[CROP_LEFT:ZEROS_LEFT] = crop
        table[s + 1, ZEROS_LEFT:] = 2 * row[ZEROS_LEFT:] + crop
        reach = max(reach, 1 + max(begin + lag, outputs + parts * part - 1 - begin) // 2**s)
        weights, bias = weights + O * C * K, bias + O
        packed += 2 * half * nodes * parts * C
        back_packed += parts * int(padded_rows(C)) * nodes * 2 * half
        sums += math.prod(sums_shape(row))
    table[-1, [LEVEL, CHANNELS]] = len(shapes), shapes[-1][0]
    width = int(round_up(T + 1, COLUMNS) + round_up(reach, LANES))
    sizes = [round_up(region(int(row[CHANNELS]) << row[LEVEL], T, width - T), LANES) for row in table]
    # Sample 0 stands at the start of a vector.
    table[:, ROWS_AT] = np.cumsum([0, *sizes[:-1]]) + round_up(width - T, LANES)
    return Phases(table, T, width, int(sum(sizes)) + LANES, weights, packed, back_packed, sums)


def method_for(phases: int, taps: int) -> int:
    """Which of METHODS serves so many taps: it takes as many outputs together as there are phases, at most four, and
    needs the fewest products."""
    outputs = min(phases, max(method.outputs for method in METHODS))
    fitting = [number for number, method in enumerate(METHODS) if method.outputs == outputs]
    return min(fitting, key=lambda number: -(-taps // METHODS[number].taps) * len(METHODS[number].to_nodes))


@compiled
def sums_shape(stage: Array) -> tuple[int, int, int, int]:
    """(nodes, blocks of filters, tiles, SUMS_STRIDE) of the sums of a stage's weight gradient."""
    pairs = stage[PARTS] * stage[CHANNELS]
    return stage[NODES], 2 * stage[HALF] // ROWS, (pairs + VECTORS - 1) // VECTORS, SUMS_STRIDE


@compiled
def sums_of(stage: Array, sums: Array) -> Array:
    """A stage's sums in those of all."""
    nodes, blocks, tiles, stride = sums_shape(stage)
    at = stage[SUMS]
    return sums[at : at + nodes * blocks * tiles * stride].reshape(nodes, blocks, tiles, stride)


@compiled
def place(t: int, rows: Array, width: int) -> int:
    """Where sample t lies in rows of a stage, from the first row of its channel."""
    level = rows[LEVEL]
    return (t & ((1 << level) - 1)) * rows[CHANNELS] * width + (t >> level)


@compiled
def places(first: int, step: int, count: int, rows: Array, width: int, into: Array) -> None:
    """into[i] = place of sample first + i · step."""
    for i in range(count):
        into[i] = place(first + i * step, rows, width)


@compiled
def output_places(stage: Array, following: Array, p: int, odd: int, width: int, into: Array) -> None:
    """The places of the even or odd outputs of the group from t = p on."""
    places(2 * (p - odd * stage[LAG]) + odd, 2, stage[OUTPUTS], following, width, into)


@compiled
def clear_absent(values: Array, stage: Array, T: int, width: int) -> None:
    """Zeros between the rows of a stage's input, and where a crop has taken a sample away."""
    P, C, at = 1 << stage[LEVEL], stage[CHANNELS], stage[ROWS_AT]
    values[at - (width - T) : at] = 0
    for row in range(P * C):
        first = at + row * width
        values[first + T : first + width] = 0
        if row < stage[ZEROS_LEFT] * C:
            values[first] = 0
        if row >= (P - stage[ZEROS_RIGHT]) * C:
            values[first + T - 1] = 0


@compiled
def bounds(following: Array, T: int) -> tuple[int, int]:
    """The first sample that crops have left of a stage's output, and the one after the last."""
    return following[ZEROS_LEFT], (T << following[LEVEL]) - following[ZEROS_RIGHT]


@compiled
def copy_phases_in(y: Array, rows: Array, T: int, width: int, values: Array) -> None:
    """y (C, T') to rows of phases."""
    (C, _), P, (begin, end) = y.shape, 1 << rows[LEVEL], bounds(rows, T)
    for row in range(P * C):
        into = values[rows[ROWS_AT] + row * width :]
        for u in range(T):
            t = u * P + row // C
            into[u] = y[row % C, t - begin] if begin <= t < end else np.float32(0)


@compiled
def copy_phases_out(values: Array, rows: Array, T: int, width: int, y: Array) -> None:
    """Rows of phases to y (C, T')."""
    (C, _), P, (begin, end) = y.shape, 1 << rows[LEVEL], bounds(rows, T)
    for row in range(P * C):
        samples = values[rows[ROWS_AT] + row * width :]
        for u in range(T):
            t = u * P + row // C
            if begin <= t < end:
                y[row % C, t - begin] = samples[u]
