"""The decoder, backward: on samples that lie in phases, at Winograd's nodes.

    z = A (dy where ReLU let it pass)     dx += B Σ_filters Ŵ z      dŴ = Σ z · (Bᵀ x)

Several units of work, a group of outputs and a tile of time each, are taken to the nodes side by side: there one sum
over all their samples is a stage's share of dŴ, whose lanes are added up once. Early stages have few units a sample,
so a handful of samples is brought to their weights together. The sums over a batch are taken in at most GROUPS groups
of samples, each in order, and then group by group: the number of threads never changes a result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.conv.correlate import correlate_gradient
from kernels.cpu.polyphase.crop import take_off_cropped
from kernels.cpu.polyphase.forward import inputs_to_nodes
from kernels.cpu.polyphase.head import head_backward
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
    copy_phases_in,
    copy_phases_out,
    output_places,
    places,
    sums_of,
)
from kernels.cpu.polyphase.weights import back_packed_of
from kernels.cpu.polyphase.winograd import MOST_NODES, gradient_from_nodes, gradient_to_nodes
from kernels.cpu.runtime.compile import compiled, compiled_parallel
from kernels.cpu.simd.tile import COLUMNS, LANES, ROWS, outer_add, store_tile, zero_tile

Array = Any

UNITS = 192 // COLUMNS  # at the nodes side by side: to add up a tile's lanes takes as long as a sum of 48 samples
LENGTH = UNITS * COLUMNS + LANES  # of a row at the nodes: rows of 768 bytes would fall on each other in the cache
HANDFUL = 4  # samples that early stages bring to their weights together


@compiled
def units_of(stage: Array, T: int) -> int:
    """Groups of a stage times tiles of time."""
    return ((1 << stage[LEVEL]) // stage[OUTPUTS]) * ((T + stage[LAG] + COLUMNS - 1) // COLUMNS)


@compiled
def gradients_to_nodes(
    stage: Array, following: Array, p: int, j: int, width: int, values: Array, gradients: Array, z: Array, first: int,
    at: Array, into: Array,
) -> None:
    """The gradient of the group from p on, COLUMNS samples from j on, before ReLU and at the nodes:
    z[node, filter, first :], even filters and odd ones."""
    filters = 2 * stage[HALF]
    for node in range(stage[NODES]):
        into[node] = node * filters * LENGTH
    for odd in range(2):
        output_places(stage, following, p, odd, width, at)
        row, place = following[ROWS_AT] + j, odd * stage[HALF] * LENGTH + first
        gradient_to_nodes(
            stage[METHOD], stage[FILTERS], gradients, row, width, at, z, place, LENGTH, into, values, 0
        )
        for o in range(stage[FILTERS], stage[HALF]):  # what a tile has and the stage has not
            for node in range(stage[NODES]):
                absent = into[node] + place + o * LENGTH
                z[absent : absent + COLUMNS] = 0


@compiled
def gradients_from_nodes(
    stage: Array, p: int, j: int, width: int, packed: Array, z: Array, first: int, gradients: Array, products: Array,
    at: Array, into: Array,
) -> None:
    """z[:, :, first :] times the weights, added to the gradients of the rows that the group from p on has read."""
    weights, C = back_packed_of(stage, packed), stage[CHANNELS]
    parts, blocks, nodes, filters, _ = weights.shape
    for node in range(nodes):
        into[node] = node * ROWS * COLUMNS
    for part in range(parts):
        places(p - stage[BEGIN] + part * stage[TAPS], 1, nodes, stage, width, at)
        for block in range(blocks):
            for node in range(nodes):
                tile, w = zero_tile(), ((part * blocks + block) * nodes + node) * filters
                for f in range(filters):
                    tile = outer_add(tile, weights, (w + f) * ROWS, z, (node * filters + f) * LENGTH + first)
                store_tile(tile, products, node * ROWS * COLUMNS, COLUMNS)
            channels, row = min(ROWS, C - block * ROWS), stage[ROWS_AT] + block * ROWS * width + j
            gradient_from_nodes(
                stage[METHOD], channels, products, 0, COLUMNS, into, gradients, row, width, at, products, 0
            )


@compiled
def add_to_weights(stage: Array, count: int, inputs: Array, z: Array, sums: Array, db: Array) -> None:
    """`count` units side by side, added to the sums of a stage's dW and to db."""
    nodes, channels, filters = stage[NODES], stage[PARTS] * stage[CHANNELS], 2 * stage[HALF]
    for node in range(nodes):
        correlate_gradient(
            z, node * filters * LENGTH, LENGTH, 0, inputs, node * channels * LENGTH, LENGTH, 0,
            1, count * COLUMNS, channels, 1, sums[node],
        )
    one = 1 if stage[OUTPUTS] > 1 else 0  # the node 1: z there is the sum of a group's dy
    for f in range(filters):
        o = f % stage[HALF]
        if o < stage[FILTERS]:
            row, total = z[(one * filters + f) * LENGTH :], np.float32(0)
            for i in range(count * COLUMNS):
                total += row[i]
            db[stage[BIAS] + o] += total


@compiled
def one_stage(
    stage: Array,
    following: Array,
    samples: int,
    T: int,
    width: int,
    packed: Array,
    values: Array,
    numbers: int,
    gradients: Array,
    sums: Array,
    db: Array,
    scratch: tuple[Array, Array, Array, Array, Array],
) -> None:
    """dy of some samples, in `gradients`, which lie like the values -> dx there, added to sums and db."""
    inputs, z, products, at, into = scratch
    per_sample, tiles = units_of(stage, T), (T + stage[LAG] + COLUMNS - 1) // COLUMNS
    for n in range(samples):
        first = n * numbers + stage[ROWS_AT]
        gradients[first - (width - T) : first + stage[CHANNELS] * (width << stage[LEVEL])] = 0
    for begin in range(0, samples * per_sample, UNITS):
        count = min(UNITS, samples * per_sample - begin)
        for unit in range(count):
            n, rest = (begin + unit) // per_sample, (begin + unit) % per_sample
            p, j, first = rest // tiles * stage[OUTPUTS], rest % tiles * COLUMNS, unit * COLUMNS
            own, own_gradients = values[n * numbers :], gradients[n * numbers :]
            inputs_to_nodes(stage, p, j, width, own, inputs, first, LENGTH, at, into)
            gradients_to_nodes(stage, following, p, j, width, own, own_gradients, z, first, at, into)
            gradients_from_nodes(stage, p, j, width, packed, z, first, own_gradients, products, at, into)
        add_to_weights(stage, count, inputs, z, sums, db)


@compiled
def some_stages(
    last: int,
    first: int,
    samples: int,
    table: Array,
    T: int,
    width: int,
    packed: Array,
    by_tap: Array,
    values: Array,
    numbers: int,
    gradients: Array,
    sums: Array,
    db: Array,
    cropped: Array,
    scratch: tuple[Array, Array, Array, Array, Array],
) -> None:
    """Some samples back through the stages from `last` to `first`."""
    for s in range(last, first - 1, -1):
        stage, following = table[s], table[s + 1]
        own = sums_of(stage, sums)
        one_stage(stage, following, samples, T, width, packed, values, numbers, gradients, own, db, scratch)
        for n in range(samples if stage[CROP_LEFT] or stage[CROP_RIGHT] else 0):
            at = n * numbers
            take_off_cropped(stage, following, T, width, by_tap, values[at:], gradients[at:], cropped)


@compiled
def scratch_for(table: Array) -> tuple[Array, Array, Array, Array, Array]:
    """What `one_stage` works with: inputs and gradients at the nodes, products, two lists of places."""
    most_inputs = most_gradients = 0
    for stage in table[:-1]:
        most_inputs = max(most_inputs, stage[NODES] * stage[PARTS] * stage[CHANNELS])
        most_gradients = max(most_gradients, stage[NODES] * 2 * stage[HALF])
    inputs, z = np.empty(most_inputs * LENGTH, np.float32), np.empty(most_gradients * LENGTH, np.float32)
    products = np.empty(MOST_NODES * ROWS * COLUMNS, np.float32)
    return inputs, z, products, np.empty(MOST_NODES, np.int64), np.empty(MOST_NODES, np.int64)


@compiled
def early_stages(table: Array, T: int) -> int:
    """How many stages have so few units a sample that a handful of samples goes through them together."""
    s = 0
    while s < len(table) - 1 and units_of(table[s], T) < UNITS:
        s += 1
    return s


@compiled_parallel
def each_group(
    dy: Array,
    table: Array,
    T: int,
    width: int,
    packed: Array,
    by_tap: Array,
    head: Array,
    values: Array,
    numbers: int,
    dx: Array,
    sums: Array,
    db: Array,
    cropped: Array,
    head_sums: Array,
) -> None:
    """All stages, groups of samples shared out to threads: late ones one sample after the other, early ones for a
    handful together.

    dy (B, 1, T') where there is a head, else (B, O, T'); dx (B, C, T); sums, db, cropped and head_sums (groups, …).
    """
    B, groups, early = len(dy), len(db), early_stages(table, T)
    for group in prange(groups):
        last, scratch = (group + 1) * B // groups, scratch_for(table)
        gradients = np.empty(HANDFUL * numbers, np.float32)
        spread = np.empty(((1 << table[-1, LEVEL]) + head.shape[1], width), np.float32)
        sums[group], db[group], cropped[group], head_sums[group] = 0, 0, 0, 0
        own = sums[group], db[group], cropped[group], scratch
        for first in range(group * B // groups, last, HANDFUL):
            samples, x = min(HANDFUL, last - first), values[first * numbers :]
            for n in range(samples):
                at, end = n * numbers, table[-1]
                if head.size > 0:
                    arriving = dy[first + n, 0]
                    head_backward(end, T, width, head, arriving, x[at:], gradients[at:], spread, head_sums[group])
                else:
                    copy_phases_in(dy[first + n], end, T, width, gradients[at:])
                some_stages(
                    len(table) - 2, early, 1, table, T, width, packed, by_tap, x[at:], numbers, gradients[at:], *own
                )
            some_stages(early - 1, 0, samples, table, T, width, packed, by_tap, x, numbers, gradients, *own)
            for n in range(samples):
                copy_phases_out(gradients[n * numbers :], table[0], T, width, dx[first + n])
