"""The epilogue of a correlation: what is done to its sums as they are written, and the way back of their gradient.

    PLAIN     y[t] = s[t] + b                                          convolution
    RELU      y[t] = relu(s[t] + b)                                    … with ReLU
    POOL      y[t] = relu(max(s[2t], s[2t + 1]) + b)                   encoder stage

Pooling also writes `switches`, one byte per value, if backward will follow: where the gradient goes. For ReLU y shows
that.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..runtime.compile import compiled
from ..simd.tile import ROWS
from .rows import clear_outside

Array = Any

PLAIN, RELU, POOL = range(3)
CLOSED, FIRST, SECOND = np.uint8(0), np.uint8(1), np.uint8(2)  # switches: ReLU gave zero, or which of the pooled pair
ZERO = np.float32(0)


class StageRows(NamedTuple):
    """What one stage of one window reads and writes."""

    x: Array  # padded rows (C, margin + T), sample 0 in column `margin`
    y: Array  # (O, …), sample 0 in column `first`
    first: int
    switches: Array  # (O, T') of a pooling that backward will follow, else (O, 0)


@compiled
def epilogue(stage: Any, block: int, sums: Array, biases: Array, rows: StageRows, start: int, count: int) -> None:
    """y of one block of filters from their sums (ROWS, …), `count` samples from `start` on."""
    o = block * ROWS
    for r in range(min(ROWS, stage.filters - o)):
        bias, row = biases[stage.b_at + o + r], rows.y[o + r]
        if stage.epilogue == POOL:
            write_pool(sums[r, :count], bias, row[rows.first + start // 2 :], rows.switches[o + r, start // 2 :])
        elif stage.epilogue == RELU:
            write_relu(sums[r, :count], bias, row[rows.first + start :])
        else:
            write_plain(sums[r, :count], bias, row[rows.first + start :])


@compiled
def write_plain(sums: Array, bias: float, y: Array) -> None:
    """y = sums + b."""
    for t in range(sums.size):
        y[t] = sums[t] + bias


@compiled
def write_relu(sums: Array, bias: float, y: Array) -> None:
    """y = relu(sums + b)."""
    for t in range(sums.size):
        y[t] = max(sums[t] + bias, ZERO)


@compiled
def write_pool(sums: Array, bias: float, y: Array, switches: Array) -> None:
    """y = relu(max of two sums + b); the last sample of an odd length is a pair by itself."""
    half = sums.size // 2
    for t in range(half):
        y[t] = max(max(sums[2 * t], sums[2 * t + 1]) + bias, ZERO)
    if sums.size % 2:
        y[half] = max(sums[2 * half] + bias, ZERO)
    if switches.size > 0:
        for t in range(half):
            one, other = sums[2 * t] + bias, sums[2 * t + 1] + bias
            switches[t] = CLOSED if max(one, other) <= 0 else (SECOND if other > one else FIRST)
        if sums.size % 2:
            switches[half] = FIRST if sums[2 * half] + bias > 0 else CLOSED


@compiled
def epilogue_backward(
    stage: Any, rows: StageRows, dy: Array, z: Array, column: int, start: int, count: int
) -> None:
    """z[:, column : column + count], the gradient of the sums from sample `start` on, from dy (O, T'); zero outside of
    0 … T."""
    clear_outside(z, column, start, count, stage.length)
    begin, beyond = max(start, 0), min(start + count, stage.length)  # what there is
    column += begin - start
    for o in range(dy.shape[0]):
        into = z[o, column : column + beyond - begin]
        if stage.epilogue == POOL:
            read_pool(into, dy[o, begin // 2 :], rows.switches[o, begin // 2 :], begin % 2)
        elif stage.epilogue == RELU:
            read_relu(into, dy[o, begin:], rows.y[o, rows.first + begin :])
        else:
            read_plain(into, dy[o, begin:])


@compiled
def read_plain(z: Array, dy: Array) -> None:
    """z = dy."""
    for t in range(z.size):
        z[t] = dy[t]


@compiled
def read_relu(z: Array, dy: Array, y: Array) -> None:
    """z = dy where ReLU let the value through."""
    for t in range(z.size):
        gradient = dy[t]  # loaded in any case: a conditional load is not vectorised
        z[t] = gradient if y[t] > 0 else ZERO


@compiled
def read_pool(z: Array, dy: Array, switches: Array, odd: int) -> None:
    """z = dy at the sample that won its pair, zero at the other; `odd`: z begins in the middle of a pair."""
    if odd:
        z[0] = dy[0] if switches[0] == SECOND else ZERO
    into, arriving, passing = z[odd:], dy[odd:], switches[odd:]
    pairs = into.size // 2
    for t in range(pairs):
        gradient, way = arriving[t], passing[t]
        into[2 * t] = gradient if way == FIRST else ZERO
        into[2 * t + 1] = gradient if way == SECOND else ZERO
    if into.size % 2:
        into[2 * pairs] = arriving[pairs] if passing[pairs] == FIRST else ZERO
