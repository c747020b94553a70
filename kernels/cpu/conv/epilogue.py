"""The two ends of a correlation: what becomes of its sums, and how a gradient comes back to where the sums were.

    PLAIN     y[t] = s[t] + b                                          convolution
    RELU      y[t] = relu(s[t] + b)                                    … with ReLU
    POOL      y[t] = relu(max(s[2t], s[2t + 1]) + b)                   encoder stage

A `drain` takes the sums out[r, :count] of the filters from o on, at the samples from `start` on, and writes their rows
of y, whose sample 0 is in column `first`. Pooling also writes `passes`, a byte a value: which way the gradient will
come back (unless nobody keeps it); a ReLU's way is seen from y. A `fill` then writes that gradient to
z[:, column : column + count] for the samples from `start` on, as far as they lie in 0 … T.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.conv.rows import clear_outside
from kernels.cpu.runtime.compile import compiled

Array = Any

PLAIN, RELU, POOL = range(3)
CLOSED, FIRST, SECOND = np.uint8(0), np.uint8(1), np.uint8(2)  # passes: nothing, which of the pooled pair
ZERO = np.float32(0)


@compiled
def drain(
    end: int,
    out: Array,
    o: int,
    rows: int,
    count: int,
    b: Array,
    y: Array,
    first: int,
    passes: Array,
    start: int,
) -> None:
    """y (O, …) of the `rows` filters from o on from their sums, by one of the three ends."""
    for r in range(rows):
        bias, row = b[o + r], y[o + r]
        if end == POOL:
            drain_pool(out[r, :count], bias, row[first + start // 2 :], passes[o + r, start // 2 :])
        elif end == RELU:
            drain_relu(out[r, :count], bias, row[first + start :])
        else:
            drain_plain(out[r, :count], bias, row[first + start :])


@compiled
def drain_plain(sums: Array, bias: float, y: Array) -> None:
    """y = sums + b."""
    for t in range(sums.size):
        y[t] = sums[t] + bias


@compiled
def drain_relu(sums: Array, bias: float, y: Array) -> None:
    """y = relu(sums + b)."""
    for t in range(sums.size):
        y[t] = max(sums[t] + bias, ZERO)


@compiled
def drain_pool(sums: Array, bias: float, y: Array, passes: Array) -> None:
    """y = relu(max of two sums + b); the last sample of an odd length stands alone. No `passes`: they are not kept."""
    half = sums.size // 2
    for t in range(half):
        y[t] = max(max(sums[2 * t], sums[2 * t + 1]) + bias, ZERO)
    if sums.size % 2:
        y[half] = max(sums[2 * half] + bias, ZERO)
    if passes.size > 0:
        for t in range(half):
            one, other = sums[2 * t] + bias, sums[2 * t + 1] + bias
            passes[t] = CLOSED if max(one, other) <= 0 else (SECOND if other > one else FIRST)
        if sums.size % 2:
            passes[half] = FIRST if sums[2 * half] + bias > 0 else CLOSED


@compiled
def fill_gradient(
    end: int,
    z: Array,
    column: int,
    dy: Array,
    y: Array,
    first: int,
    passes: Array,
    start: int,
    count: int,
    T: int,
) -> None:
    """z (rows, …) from dy and y (O, …), sample 0 of y in column `first`, and from passes, by one of the three ends."""
    clear_outside(z, column, start, count, T)
    begin, beyond = max(start, 0), min(start + count, T)  # what there is
    column += begin - start
    for o in range(dy.shape[0]):
        into = z[o, column : column + beyond - begin]
        if end == POOL:
            fill_pool(into, dy[o, begin // 2 :], passes[o, begin // 2 :], begin % 2)
        elif end == RELU:
            fill_relu(into, dy[o, begin:], y[o, first + begin :])
        else:
            fill_plain(into, dy[o, begin:])


@compiled
def fill_plain(z: Array, dy: Array) -> None:
    """z = dy."""
    for t in range(z.size):
        z[t] = dy[t]


@compiled
def fill_relu(z: Array, dy: Array, y: Array) -> None:
    """z = dy where ReLU let the value through."""
    for t in range(z.size):
        gradient = dy[t]  # loaded in any case: what is only loaded if … does not run on vectors
        z[t] = gradient if y[t] > 0 else ZERO


@compiled
def fill_pool(z: Array, dy: Array, passes: Array, odd: int) -> None:
    """z = dy at the sample that won its pair, zero at the other; `odd`: z begins in the middle of a pair."""
    if odd:
        z[0] = dy[0] if passes[0] == SECOND else ZERO
    into, arriving, passing = z[odd:], dy[odd:], passes[odd:]
    pairs = into.size // 2
    for t in range(pairs):
        gradient, way = arriving[t], passing[t]
        into[2 * t] = gradient if way == FIRST else ZERO
        into[2 * t + 1] = gradient if way == SECOND else ZERO
    if into.size % 2:
        into[2 * pairs] = arriving[pairs] if passing[pairs] == FIRST else ZERO
