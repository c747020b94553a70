"""Polyphase components: how the decoder's samples lie in memory, and the plan of its stages.

Every stage doubles a sequence, so after s of them sample t = P u + p, P = 2^s, is the p-th that came from sample u of
the decoder's input. Samples of the same p lie together: a component p is a row for every channel, each as long as that
input:

    component 0: channel 0: samples 0, P, 2P, … | zeros | channel 1 … | component 1: channel 0: samples 1, P + 1, … | …

A convolution after upsampling, folded (fold.py), is a sum over rows here, and no sample moves in time: neighbours of a
component are neighbouring rows, and beyond the last component comes the first again, one sample later, which is an
address, not a copy. Winograd's convolution (winograd.py) needs such rows, too: its transforms are sums of whole rows.
Several outputs of a stage are taken together, four where there are that many components.

Cropped samples keep their places, with zeros in them: some of the first components have no first sample, some of the
last ones no last.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from ..conv.correlate import sums_shape
from ..conv.rows import padded_rows, region, round_up
from ..runtime.compile import compiled
from ..runtime.records import records
from ..simd.tile import COLUMNS, LANES
from .fold import folded_taps
from .winograd import METHODS

Array = Any


class Stage(NamedTuple):
    """A record of the table. A group of `outputs` even outputs from t on reads the rows from t - begin on, and the odd
    outputs that read the same rows are `lag` pairs earlier."""

    level: int  # the input has 2^level components
    channels: int
    zeros_left: int  # after the crops before it: components without a first sample
    zeros_right: int  # and without a last one
    W_at: int  # where its W, b, transformed kernels, these as backward reads them, and its sums for them begin
    b_at: int
    packed_at: int
    back_packed_at: int
    sums_at: int
    x_at: int = 0  # where its input begins
    method: int = 0  # of Winograd's
    outputs: int = 0  # its n
    nodes: int = 0
    taps: int = 0  # its r
    parts: int = 0  # a kernel of more taps is cut into several, as if for other channels
    filters: int = 0
    kernel: int = 0  # taps as they were before folding
    half: int = 0  # filters in whole tiles; even ones fill the first half of a stage's tiles, odd ones the second
    begin: int = 0
    lag: int = 0
    crop_left: int = 0  # of the upsampled input, 0 or 1
    crop_right: int = 0


class Plan(NamedTuple):
    """A decoder: its stages and its output, whose offsets are the totals."""

    stages: Array  # records of Stage (S + 1)
    T: int  # samples of the decoder's input, and of every row
    width: int  # of a row, with the zeros after it
    numbers: int  # of the rows of all stages, per window
    length: int  # of the output


@functools.cache
def plan_of(shapes: tuple[tuple[int, int, int], ...], crops: tuple[tuple[int, int], ...], T: int) -> Plan:
    """The plan for stages with W of these shapes (O, C, K) and crops of 0 or 1 at each end."""
    stages, zeros, reach = [], (0, 0), 0
    W_at = b_at = packed_at = back_packed_at = sums_at = 0
    for s, ((O, C, K), crop) in enumerate(zip(shapes, crops, strict=True)):
        begin, lag, taps = folded_taps(K)
        method = method_for(2**s, taps)
        outputs, part, nodes = METHODS[method].outputs, METHODS[method].taps, len(METHODS[method].input)
        parts, half = -(-taps // part), int(padded_rows(O))
        stages.append(Stage(s, C, *zeros, W_at, b_at, packed_at, back_packed_at, sums_at, 0, method, outputs, nodes,
                            part, parts, O, K, half, begin, lag, *crop))
        zeros = 2 * zeros[0] + crop[0], 2 * zeros[1] + crop[1]
        reach = max(reach, 1 + max(begin + lag, outputs + parts * part - 1 - begin) // 2**s)
        W_at, b_at, sums_at = W_at + O * C * K, b_at + O, sums_at + nodes * math.prod(sums_shape(2 * half, parts * C))
        packed_at += 2 * half * nodes * parts * C
        back_packed_at += parts * int(padded_rows(C)) * nodes * 2 * half
    stages.append(Stage(len(shapes), shapes[-1][0], *zeros, W_at, b_at, packed_at, back_packed_at, sums_at))
    width = int(round_up(T + 1, COLUMNS) + round_up(reach, LANES))
    sizes = [round_up(region(stage.channels << stage.level, T, width - T), LANES) for stage in stages]
    table = records(stages)
    table["x_at"] = np.cumsum([0, *sizes[:-1]]) + round_up(width - T, LANES)  # sample 0 begins a vector
    return Plan(table, T, width, int(sum(sizes)) + LANES, (T << len(shapes)) - sum(zeros))


def method_for(components: int, taps: int) -> int:
    """The one of METHODS for this number of taps: it takes as many outputs together as there are components, at most
    four, and needs the fewest products."""
    outputs = min(components, max(method.outputs for method in METHODS))
    fitting = [number for number, method in enumerate(METHODS) if method.outputs == outputs]
    return min(fitting, key=lambda number: -(-taps // METHODS[number].taps) * len(METHODS[number].input))


@compiled
def sums_of(stage: Stage, sums: Array) -> Array:
    """A stage's sums (nodes, blocks of filters, tiles, SUMS_STRIDE) in those of all."""
    (blocks, tiles, stride), at = sums_shape(2 * stage.half, stage.parts * stage.channels), stage.sums_at
    return sums[at : at + stage.nodes * blocks * tiles * stride].reshape(stage.nodes, blocks, tiles, stride)


@compiled
def place(t: int, stage: Stage, width: int) -> int:
    """Where sample t of a stage's input lies, from the first row of its channel: t = P u + p is in row p, column u.

    It is right beyond the ends, too. For t = P the shift gives u = 1 and the mask p = 0: the first component, one
    sample later. For t = -1 they give u = -1 and p = P - 1: the last component's column -1, in the zeros before it.
    """
    level = stage.level
    return (t & ((1 << level) - 1)) * stage.channels * width + (t >> level)


@compiled
def find_places(first: int, step: int, count: int, stage: Stage, width: int, into: Array) -> None:
    """into[i] = place of sample first + i · step."""
    for i in range(count):
        into[i] = place(first + i * step, stage, width)


@compiled
def find_inputs(stage: Stage, p: int, part: int, width: int, into: Array) -> None:
    """The places of the inputs of the group from t = p on, for one part of the kernel."""
    find_places(p - stage.begin + part * stage.taps, 1, stage.nodes, stage, width, into)


@compiled
def find_outputs(stage: Stage, following: Stage, p: int, odd: int, width: int, into: Array) -> None:
    """The places of the even or odd outputs of a stage's group from t = p on, in the following one's input."""
    find_places(2 * (p - odd * stage.lag) + odd, 2, stage.outputs, following, width, into)


@compiled
def clear_absent(values: Array, stage: Stage, T: int, width: int) -> None:
    """Zeros between the rows of a stage's input, and where a crop has taken a sample away."""
    P, C, at = 1 << stage.level, stage.channels, stage.x_at
    values[at - (width - T) : at] = 0
    for row in range(P * C):
        first = at + row * width
        values[first + T : first + width] = 0
        if row < stage.zeros_left * C:
            values[first] = 0
        if row >= (P - stage.zeros_right) * C:
            values[first + T - 1] = 0


@compiled
def bounds(stage: Stage, T: int) -> tuple[int, int]:
    """The first sample that crops have left of a stage's input, and the one after the last."""
    return stage.zeros_left, (T << stage.level) - stage.zeros_right


@compiled
def to_components(y: Array, stage: Stage, T: int, width: int, values: Array) -> None:
    """y (C, T') to rows of components."""
    (C, _), P, (begin, end) = y.shape, 1 << stage.level, bounds(stage, T)
    for row in range(P * C):
        into = values[stage.x_at + row * width :]
        for u in range(T):
            t = u * P + row // C
            into[u] = y[row % C, t - begin] if begin <= t < end else np.float32(0)


@compiled
def from_components(values: Array, stage: Stage, T: int, width: int, y: Array) -> None:
    """Rows of components to y (C, T')."""
    (C, _), P, (begin, end) = y.shape, 1 << stage.level, bounds(stage, T)
    for row in range(P * C):
        samples = values[stage.x_at + row * width :]
        for u in range(T):
            t = u * P + row // C
            if begin <= t < end:
                y[row % C, t - begin] = samples[u]
