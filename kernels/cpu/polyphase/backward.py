"""The decoder, backward: on polyphase components, at Winograd's nodes.

Forward was y = Aᵀ m̂, m̂ = Σ_channels Ŵ ⊙ d̂, d̂ = Bᵀ d (forward.py). Backward through a matrix is its transpose;
through a product, the gradient times the other factor:

    z  = A (dy where ReLU let it pass)      dm̂        output_transform_backward: z[node, filter]
    dd = B Σ_filters Ŵ ⊙ z                  dd̂        the register tile, then input_transform_backward, added to dx
    dŴ = Σ z · d̂                                      sums over time, windows and groups

A unit of work is a group and a tile of time. UNITS of them lie side by side at the nodes, so that dŴ[node] is one
product of rows of 192 samples, whose lanes are added up once:

    inputs[node, channel]    | unit 0: 48 samples | unit 1 | unit 2 | unit 3 |
    z[node, filter]          | unit 0             | unit 1 | unit 2 | unit 3 |

Early stages have fewer units per window, so a microbatch of windows is added to their dŴ together. The sums over a
batch are taken in at most GROUPS groups of windows, each in order, and then group by group: the number of threads never
changes a result.

The bias's gradient is the sum of dy, which z contains: at the node 1 every power of the node is 1, so that row of A
adds a group's outputs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from ..conv.correlate import FlatRows, correlate_gradient
from ..conv.rows import clear
from ..runtime.compile import compiled, compiled_parallel
from ..simd.tile import COLUMNS, LANES, ROWS, outer_add, store_tile, zero_tile
from ..simd.transform import ChannelRows
from .crop import take_off_cropped
from .forward import transform_inputs
from .head import head_backward
from .layout import (
    Plan,
    Stage,
    find_inputs,
    find_outputs,
    from_components,
    sums_of,
    to_components,
)
from .weights import back_packed_of
from .winograd import MOST_NODES, input_transform_backward, output_transform_backward

Array = Any

UNITS = 192 // COLUMNS  # at the nodes side by side: adding up a tile's lanes takes as long as a sum of 48 samples
LENGTH = UNITS * COLUMNS + LANES  # of a row at the nodes: rows of 768 bytes would map to the same cache lines
MICROBATCH = 4  # windows that early stages add to dŴ together


class BackWeights(NamedTuple):
    """All stages' kernels, transposed (`back_packed_of`) and by tap (crop.py), and the head's."""

    packed: Array
    by_tap: Array
    head: Array


class Sums(NamedTuple):
    """Sums of all groups (groups, …) or of one: for dŴ, db, what crops subtract from dW, and the head's dW."""

    weights: Array
    db: Array
    cropped: Array
    head: Array


class Scratch(NamedTuple):
    """What a thread works with: inputs and gradients at the nodes, products, two lists of places."""

    inputs: Array
    z: Array
    products: Array
    read: Array
    write: Array


@compiled
def tiles_of(stage: Stage, T: int) -> int:
    """Tiles of time, the odd outputs' lag included."""
    return (T + stage.lag + COLUMNS - 1) // COLUMNS


@compiled
def units_of(stage: Stage, T: int) -> int:
    """Groups of a stage times tiles of time."""
    return ((1 << stage.level) // stage.outputs) * tiles_of(stage, T)


@compiled
def transform_gradients(
    s: int, unit: tuple[int, int], first: int, plan: Plan, values: Array, gradients: Array, scratch: Scratch
) -> None:
    """A unit's gradient before ReLU, at the nodes: z[node, filter, first :], even filters and odd ones."""
    stage, following, (p, j) = plan.stages[s], plan.stages[s + 1], unit
    z, read, write, filters = scratch.z, scratch.read, scratch.write, 2 * stage.half
    source, target = ChannelRows(gradients, plan.width, read), ChannelRows(z, LENGTH, write)
    for node in range(stage.nodes):
        write[node] = node * filters * LENGTH
    for odd in range(2):
        find_outputs(stage, following, p, odd, plan.width, read)
        place = odd * stage.half * LENGTH + first
        output_transform_backward(stage.method, stage.filters, source, following.x_at + j, target, place, values, 0)
        for o in range(stage.filters, stage.half):  # rows of a tile beyond the stage's filters
            for node in range(stage.nodes):
                absent = write[node] + place + o * LENGTH
                z[absent : absent + COLUMNS] = 0


@compiled
def input_gradients(
    stage: Stage, unit: tuple[int, int], first: int, width: int, packed: Array, gradients: Array, scratch: Scratch
) -> None:
    """z[:, :, first :] times the weights, added to the gradients of the rows that the unit has read."""
    weights, C, (p, j) = back_packed_of(stage, packed), stage.channels, unit
    z, products, read, write = scratch.z, scratch.products, scratch.read, scratch.write
    source, target = ChannelRows(products, COLUMNS, read), ChannelRows(gradients, width, write)
    parts, blocks, nodes, filters, _ = weights.shape
    for node in range(nodes):
        read[node] = node * ROWS * COLUMNS
    for part in range(parts):
        find_inputs(stage, p, part, width, write)
        for block in range(blocks):
            for node in range(nodes):
                tile, w = zero_tile(), ((part * blocks + block) * nodes + node) * filters
                for f in range(filters):
                    tile = outer_add(tile, weights, (w + f) * ROWS, z, (node * filters + f) * LENGTH + first)
                store_tile(tile, products, node * ROWS * COLUMNS, COLUMNS)
            channels, row = min(ROWS, C - block * ROWS), stage.x_at + block * ROWS * width + j
            input_transform_backward(stage.method, channels, source, 0, target, row, products, 0)


@compiled
def add_to_weights(stage: Stage, count: int, inputs: Array, z: Array, sums: Array, db: Array) -> None:
    """`count` units side by side, added to the sums of a stage's dŴ and to db."""
    nodes, channels, filters = stage.nodes, stage.parts * stage.channels, 2 * stage.half
    for node in range(nodes):
        rows_z = FlatRows(z, node * filters * LENGTH, LENGTH, 0)
        rows_x = FlatRows(inputs, node * channels * LENGTH, LENGTH, 0)
        correlate_gradient(rows_z, rows_x, 1, count * COLUMNS, channels, 1, sums[node])
    one = 1 if stage.outputs > 1 else 0  # the node 1; F(1, 1) has a single one
    for f in range(filters):
        o = f % stage.half
        if o < stage.filters:
            row, total = z[(one * filters + f) * LENGTH :], np.float32(0)
            for i in range(count * COLUMNS):
                total += row[i]
            db[stage.b_at + o] += total


@compiled
def stage_backward(
    s: int,
    windows: int,
    plan: Plan,
    weights: BackWeights,
    values: Array,
    gradients: Array,
    sums: Sums,
    scratch: Scratch,
) -> None:
    """Stage s of some windows: dy in `gradients`, which lie like the values -> dx there, added to the sums."""
    stage, numbers, T, width = plan.stages[s], plan.numbers, plan.T, plan.width
    own_sums, per_window, tiles = sums_of(stage, sums.weights), units_of(stage, T), tiles_of(stage, T)
    for n in range(windows):
        first = n * numbers + stage.x_at
        gradients[first - (width - T) : first + stage.channels * (width << stage.level)] = 0
    for begin in range(0, windows * per_window, UNITS):
        count = min(UNITS, windows * per_window - begin)
        for i in range(count):
            n, rest = (begin + i) // per_window, (begin + i) % per_window
            unit, first = (rest // tiles * stage.outputs, rest % tiles * COLUMNS), i * COLUMNS
            own, own_gradients = values[n * numbers :], gradients[n * numbers :]
            transform_inputs(
                stage, unit, width, own, scratch.inputs, (first, LENGTH), scratch.read, scratch.write
            )
            transform_gradients(s, unit, first, plan, own, own_gradients, scratch)
            input_gradients(stage, unit, first, width, weights.packed, own_gradients, scratch)
        add_to_weights(stage, count, scratch.inputs, scratch.z, own_sums, sums.db)
    for n in range(windows if stage.crop_left or stage.crop_right else 0):
        at = n * numbers
        take_off_cropped(s, plan, weights.by_tap, values[at:], gradients[at:], sums.cropped)


@compiled
def scratch_for(stages: Array) -> Scratch:
    """Room for the largest stage."""
    most_inputs = most_gradients = 0
    for s in range(len(stages) - 1):
        most_inputs = max(most_inputs, stages[s].nodes * stages[s].parts * stages[s].channels)
        most_gradients = max(most_gradients, stages[s].nodes * 2 * stages[s].half)
    inputs, z = np.empty(most_inputs * LENGTH, np.float32), np.empty(most_gradients * LENGTH, np.float32)
    products = np.empty(MOST_NODES * ROWS * COLUMNS, np.float32)
    return Scratch(inputs, z, products, np.empty(MOST_NODES, np.int64), np.empty(MOST_NODES, np.int64))


@compiled
def early_stages(stages: Array, T: int) -> int:
    """How many stages have so few units per window that a microbatch goes through them together."""
    s = 0
    while s < len(stages) - 1 and units_of(stages[s], T) < UNITS:
        s += 1
    return s


@compiled_parallel
def each_group(dy: Array, plan: Plan, weights: BackWeights, values: Array, dx: Array, sums: Sums) -> None:
    """All stages, groups of windows shared out to threads: late stages for one window after the other, early ones for a
    microbatch together.

    dy (B, 1, T') where there is a head, else (B, O, T'); dx (B, C, T).
    """
    stages, T, width, numbers = plan.stages, plan.T, plan.width, plan.numbers
    B, groups, early = len(dy), len(sums.db), early_stages(stages, T)
    for group in prange(groups):
        last, scratch = (group + 1) * B // groups, scratch_for(stages)
        gradients = np.empty(MICROBATCH * numbers, np.float32)
        spread = np.empty(((1 << stages[-1].level) + weights.head.shape[1], width), np.float32)
        own = Sums(sums.weights[group], sums.db[group], sums.cropped[group], sums.head[group])
        clear(own.weights)
        clear(own.db)
        clear(own.cropped)
        clear(own.head)
        for first in range(group * B // groups, last, MICROBATCH):
            windows, x = min(MICROBATCH, last - first), values[first * numbers :]
            one = min(windows, 1)  # not a literal 1, for which Numba would compile the stage again
            for n in range(windows):
                own_x, own_gradients = x[n * numbers :], gradients[n * numbers :]
                if weights.head.size > 0:
                    head_backward(plan, weights.head, dy[first + n, 0], own_x, own_gradients, spread, own.head)
                else:
                    to_components(dy[first + n], stages[-1], T, width, own_gradients)
                for s in range(len(stages) - 2, early - 1, -1):
                    stage_backward(s, one, plan, weights, own_x, own_gradients, own, scratch)
            for s in range(early - 1, -1, -1):
                stage_backward(s, windows, plan, weights, x, gradients, own, scratch)
            for n in range(windows):
                from_components(gradients[n * numbers :], stages[0], T, width, dx[first + n])
