"""The decoder, forward: stages of upsampling, convolution and ReLU on samples that lie in phases.

Group by group of outputs and tile by tile of time, the rows that a group reads are taken to Winograd's nodes, there
multiplied by the weights, and what comes back from the nodes is the next stage's rows. A sample goes through all stages
while it is in a core's own cache; a few samples, too few to give every thread its share, go stage by stage, and groups
or filters are shared out instead. Either way every number is the same sum in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.conv.rows import copy_in
from kernels.cpu.polyphase.crop import redo_ends
from kernels.cpu.polyphase.head import head_forward
from kernels.cpu.polyphase.layout import (
    BEGIN,
    BIAS,
    CHANNELS,
    CROP_LEFT,
    CROP_RIGHT,
    FILTERS,
    HALF,
    LAG,
    LEVEL,
    METHOD,
    NODES,
    OUTPUTS,
    PARTS,
    ROWS_AT,
    TAPS,
    clear_absent,
    copy_phases_out,
    output_places,
    places,
)
from kernels.cpu.polyphase.weights import packed_of
from kernels.cpu.polyphase.winograd import MOST_NODES, from_nodes, to_nodes
from kernels.cpu.runtime.compile import compiled, compiled_parallel
from kernels.cpu.simd.tile import COLUMNS, ROWS, outer_add, store_tile, zero_tile

Array = Any


@compiled
def inputs_to_nodes(
    stage: Array,
    p: int,
    j: int,
    width: int,
    values: Array,
    inputs: Array,
    first: int,
    length: int,
    at: Array,
    into: Array,
) -> None:
    """The rows that the group from p on reads, COLUMNS samples from j on, at the nodes: inputs[node, channel, first :],
    channels of all parts; `length` numbers a channel. at and into are scratch."""
    C, nodes = stage[CHANNELS], stage[NODES]
    for node in range(nodes):
        into[node] = node * stage[PARTS] * C * length
    for part in range(stage[PARTS]):
        places(p - stage[BEGIN] + part * stage[TAPS], 1, nodes, stage, width, at)
        row, place = stage[ROWS_AT] + j, part * C * length + first
        to_nodes(stage[METHOD], C, values, row, width, at, inputs, place, length, into, values, 0)


@compiled
def one_group(
    stage: Array,
    following: Array,
    p: int,
    first_block: int,
    last_block: int,
    T: int,
    width: int,
    packed: Array,
    biases: Array,
    values: Array,
    scratch: tuple[Array, Array, Array, Array],
) -> None:
    """The outputs of one group, even and odd, of some blocks of ROWS filters, into the next stage's rows."""
    inputs, products, at, into = scratch
    weights, method = packed_of(stage, packed), stage[METHOD]
    _, nodes, channels, _ = weights.shape
    for j in range(0, T + stage[LAG], COLUMNS):
        inputs_to_nodes(stage, p, j, width, values, inputs, 0, COLUMNS, at, into)
        for node in range(nodes):
            at[node] = node * ROWS * COLUMNS
        for block in range(first_block, last_block):
            for node in range(nodes):
                tile, w, row = zero_tile(), (block * nodes + node) * channels, node * channels
                for c in range(channels):
                    tile = outer_add(tile, weights, (w + c) * ROWS, inputs, (row + c) * COLUMNS)
                store_tile(tile, products, node * ROWS * COLUMNS, COLUMNS)
            odd = block * ROWS // stage[HALF]
            o = block * ROWS - odd * stage[HALF]
            output_places(stage, following, p, odd, width, into)
            filters, row, bias = min(ROWS, stage[FILTERS] - o), following[ROWS_AT] + o * width + j, stage[BIAS] + o
            from_nodes(method, filters, products, 0, COLUMNS, at, values, row, width, into, biases, bias)


@compiled
def scratch_for(table: Array) -> tuple[Array, Array, Array, Array]:
    """What `one_group` works with: rows at the nodes, products, two lists of places."""
    most = 0
    for stage in table[:-1]:
        most = max(most, stage[NODES] * stage[PARTS] * stage[CHANNELS])
    inputs, products = np.empty(most * COLUMNS, np.float32), np.empty(MOST_NODES * ROWS * COLUMNS, np.float32)
    return inputs, products, np.empty(MOST_NODES, np.int64), np.empty(MOST_NODES, np.int64)


@compiled
def finish(
    stage: Array, following: Array, T: int, width: int, by_tap: Array, biases: Array, values: Array
) -> None:
    """What is left to do when all groups of a stage are there: its cropped ends, and zeros where nothing is."""
    if stage[CROP_LEFT] or stage[CROP_RIGHT]:
        redo_ends(stage, following, T, width, by_tap, biases, values)
    clear_absent(values, following, T, width)


@compiled_parallel
def each_sample(
    x: Array,
    table: Array,
    width: int,
    packed: Array,
    by_tap: Array,
    biases: Array,
    values: Array,
    numbers: int,
    keep: bool,
    threads: int,
    head: Array,
    head_bias: float,
    y: Array,
) -> None:
    """All stages for one sample after the other, samples shared out to threads.

    x (B, C, T) -> values, `numbers` a sample (a thread, if they are not kept) -> y (B, 1, T'), or y (B, O, T') of the
    last stage if `head` is empty.
    """
    B, _, T = x.shape
    for part in prange(threads):
        scratch = scratch_for(table)
        for n in range(part * B // threads, (part + 1) * B // threads):
            own = values[(n if keep else part) * numbers :]
            copy_in(x[n], own, table[0, ROWS_AT] - (width - T), width - T)
            for s in range(len(table) - 1):
                stage, following = table[s], table[s + 1]
                for p in range(0, 1 << stage[LEVEL], stage[OUTPUTS]):
                    blocks = 2 * stage[HALF] // ROWS
                    one_group(stage, following, p, 0, blocks, T, width, packed, biases, own, scratch)
                finish(stage, following, T, width, by_tap, biases, own)
            if head.size == 0:
                copy_phases_out(own, table[-1], T, width, y[n])
            for p in range(0, 1 << table[-1, LEVEL] if head.size > 0 else 0, ROWS):
                head_forward(table[-1], p, T, width, head, head_bias, own, y[n, 0])


@compiled_parallel
def each_stage(
    x: Array,
    table: Array,
    width: int,
    packed: Array,
    by_tap: Array,
    biases: Array,
    values: Array,
    numbers: int,
    keep: bool,
    threads: int,
    head: Array,
    head_bias: float,
    y: Array,
) -> None:
    """One stage after the other for all samples; arguments as in `each_sample`."""
    B, _, T = x.shape
    for n in range(B):
        copy_in(x[n], values[n * numbers :], table[0, ROWS_AT] - (width - T), width - T)
    for s in range(len(table) - 1):
        stage, following = table[s], table[s + 1]
        groups, blocks = (1 << stage[LEVEL]) // stage[OUTPUTS], 2 * stage[HALF] // ROWS
        parts = 1 if B * groups >= threads else min(threads, blocks)  # the filters of a group are shared out too
        for item in prange(B * groups * parts):
            part, group, own = item % parts, item // parts % groups, values[item // parts // groups * numbers :]
            first, last = part * blocks // parts, (part + 1) * blocks // parts
            one_group(
                stage, following, group * stage[OUTPUTS], first, last, T, width, packed, biases, own, scratch_for(table)
            )
        for n in range(B):
            finish(stage, following, T, width, by_tap, biases, values[n * numbers :])
    if head.size == 0:
        for n in range(B):
            copy_phases_out(values[n * numbers :], table[-1], T, width, y[n])
        return
    groups = ((1 << table[-1, LEVEL]) + ROWS - 1) // ROWS
    for item in prange(B * groups):
        n, p = item // groups, item % groups * ROWS
        head_forward(table[-1], p, T, width, head, head_bias, values[n * numbers :], y[n, 0])
