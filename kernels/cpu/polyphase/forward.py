"""The decoder, forward: stages of upsampling, convolution and ReLU on polyphase components.

A group is `outputs` even outputs from t = p on, and the odd ones that read the same rows. Of each, tile by tile of
COLUMNS samples of time,

    d    inputs    rows t - begin, t - begin + 1, …        of every channel, `nodes` of them
    d̂  = Bᵀ d                                              input transform: inputs[node, channel]
    m̂  = Σ_channels Ŵ ⊙ d̂                                  the register tile, node by node: products[node, filter]
    y  = relu(Aᵀ m̂ + b)                                    output transform, into the next stage's rows

A window goes through all stages while it is in a core's own cache; too few windows to occupy all threads go stage by
stage instead, with groups or filters shared out. Either way every number is the same sum in the same order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from ..conv.rows import copy_in
from ..runtime.compile import compiled, compiled_parallel
from ..simd.tile import COLUMNS, ROWS, outer_add, store_tile, zero_tile
from ..simd.transform import ChannelRows
from .crop import redo_ends
from .head import Head, head_forward
from .layout import Plan, Stage, clear_absent, find_inputs, find_outputs, from_components
from .weights import Weights, packed_of
from .winograd import MOST_NODES, input_transform, output_transform

Array = Any


class Memory(NamedTuple):
    """What forward writes, of all windows."""

    values: Array  # flat: `numbers` per window, or per thread if they are not kept
    y: Array  # logits (B, 1, T'), or (B, O, T') of the last stage if there is no head


class Scratch(NamedTuple):
    """What a thread works with: inputs at the nodes, products, two lists of places."""

    inputs: Array
    products: Array
    read: Array
    write: Array


@compiled
def transform_inputs(
    stage: Stage, unit: tuple[int, int], width: int, values: Array, inputs: Array, place: tuple[int, int],
    read: Array, write: Array,
) -> None:
    """What a unit (p, j), the group from p on and COLUMNS samples from j on, reads, transformed to the nodes.

    place (first, length): written to inputs[node, channel, first :], `length` numbers per channel, of all parts.
    """
    (p, j), (first, length), C = unit, place, stage.channels
    source, target = ChannelRows(values, width, read), ChannelRows(inputs, length, write)
    for node in range(stage.nodes):
        write[node] = node * stage.parts * C * length
    for part in range(stage.parts):
        find_inputs(stage, p, part, width, read)
        input_transform(stage.method, C, source, stage.x_at + j, target, part * C * length + first, values, 0)


@compiled
def one_group(
    s: int, p: int, first: int, beyond: int, plan: Plan, weights: Weights, values: Array, scratch: Scratch
) -> None:
    """The outputs of stage s's group from p on, of some blocks of ROWS filters."""
    stage, following = plan.stages[s], plan.stages[s + 1]
    inputs, products, read, write = scratch
    packed, biases, width = packed_of(stage, weights.packed), weights.biases, plan.width
    source, target = ChannelRows(products, COLUMNS, read), ChannelRows(values, width, write)
    _, nodes, channels, _ = packed.shape
    for j in range(0, plan.T + stage.lag, COLUMNS):
        transform_inputs(stage, (p, j), width, values, inputs, (0, COLUMNS), read, write)
        for node in range(nodes):
            read[node] = node * ROWS * COLUMNS
        for block in range(first, beyond):
            for node in range(nodes):
                tile, w, row = zero_tile(), (block * nodes + node) * channels, node * channels
                for c in range(channels):
                    tile = outer_add(tile, packed, (w + c) * ROWS, inputs, (row + c) * COLUMNS)
                store_tile(tile, products, node * ROWS * COLUMNS, COLUMNS)
            odd = block * ROWS // stage.half
            o = block * ROWS - odd * stage.half
            filters, row = min(ROWS, stage.filters - o), following.x_at + o * width + j
            find_outputs(stage, following, p, odd, width, write)
            output_transform(stage.method, filters, source, 0, target, row, biases, stage.b_at + o)


@compiled
def scratch_for(stages: Array) -> Scratch:
    """Room for the largest stage."""
    most = 0
    for s in range(len(stages) - 1):
        most = max(most, stages[s].nodes * stages[s].parts * stages[s].channels)
    inputs, products = np.empty(most * COLUMNS, np.float32), np.empty(MOST_NODES * ROWS * COLUMNS, np.float32)
    return Scratch(inputs, products, np.empty(MOST_NODES, np.int64), np.empty(MOST_NODES, np.int64))


@compiled
def finish(s: int, plan: Plan, weights: Weights, values: Array) -> None:
    """What is left to do when all groups of a stage are done: its cropped ends, and the zeros of `clear_absent`."""
    if plan.stages[s].crop_left or plan.stages[s].crop_right:
        redo_ends(s, plan, weights, values)
    clear_absent(values, plan.stages[s + 1], plan.T, plan.width)


@compiled_parallel
def each_window(
    x: Array, plan: Plan, weights: Weights, head: Head, memory: Memory, keep: bool, threads: int
) -> None:
    """All stages for one window after the other, windows shared out to threads."""
    B, stages, T, width, (values, y) = x.shape[0], plan.stages, plan.T, plan.width, memory
    for part in prange(threads):
        scratch = scratch_for(stages)
        for n in range(part * B // threads, (part + 1) * B // threads):
            own = values[n * plan.numbers if keep else part * plan.numbers :]
            copy_in(x[n], own, stages[0].x_at - (width - T), width - T)
            for s in range(len(stages) - 1):
                blocks = 2 * stages[s].half // ROWS
                for p in range(0, 1 << stages[s].level, stages[s].outputs):
                    one_group(s, p, 0, blocks, plan, weights, own, scratch)
                finish(s, plan, weights, own)
            if head.packed.size == 0:
                from_components(own, stages[-1], T, width, y[n])
            for p in range(0, 1 << stages[-1].level if head.packed.size > 0 else 0, ROWS):
                head_forward(p, plan, head, own, y[n, 0])


@compiled_parallel
def each_stage(
    x: Array, plan: Plan, weights: Weights, head: Head, memory: Memory, keep: bool, threads: int
) -> None:
    """One stage after the other for all windows; arguments as in `each_window`."""
    B, stages, T, width, (values, y) = x.shape[0], plan.stages, plan.T, plan.width, memory
    for n in range(B):
        copy_in(x[n], values[n * plan.numbers :], stages[0].x_at - (width - T), width - T)
    for s in range(len(stages) - 1):
        outputs, blocks = stages[s].outputs, 2 * stages[s].half // ROWS
        groups = (1 << stages[s].level) // outputs
        parts = 1 if B * groups >= threads else min(threads, blocks)  # the filters of a group are shared out too
        for item in prange(B * groups * parts):
            part, group, n = item % parts, item // parts % groups, item // parts // groups
            first, beyond, own = part * blocks // parts, (part + 1) * blocks // parts, values[n * plan.numbers :]
            one_group(s, group * outputs, first, beyond, plan, weights, own, scratch_for(stages))
        for n in range(B):
            finish(s, plan, weights, values[n * plan.numbers :])
    if head.packed.size == 0:
        for n in range(B):
            from_components(values[n * plan.numbers :], stages[-1], T, width, y[n])
        return
    groups = ((1 << stages[-1].level) + ROWS - 1) // ROWS
    for item in prange(B * groups):
        n, p = item // groups, item % groups * ROWS
        head_forward(p, plan, head, values[n * plan.numbers :], y[n, 0])
