"""The two ends of a correlation: what becomes of its sums, and how a gradient comes back to where the sums were.

    PLAIN     y[t] = s[t] + b                                          convolution
    RELU      y[t] = relu(s[t] + b)                                    … with ReLU
    POOL      y[t] = relu(max(s[2t], s[2t + 1]) + b)                   encoder stage
    UNFOLD    y[2t], y[2t + 1] = relu(s_even[t] + b, s_odd[t] + b)     decoder stage, see decoder.py

A `drain` takes the sums out[:, column : column + count] of the samples from `start` on and writes y. Pooling also
writes `passes`, a byte a value: which way the gradient will come back; a ReLU's way is seen from y. A `fill` then
writes that gradient to z[:, column : column + count] for the samples from `start` on, as far as they lie in 0 … T.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.compile import compiled
from kernels.cpu.strip import fill

Array = Any

PLAIN, RELU, POOL, UNFOLD = range(4)
CLOSED, FIRST, SECOND = np.uint8(0), np.uint8(1), np.uint8(2)  # passes: nothing, which of the pooled pair
ZERO = np.float32(0)


@compiled
def drain(
    end: int, out: Array, column: int, count: int, b: Array, y: Array, passes: Array, start: int, T: int
) -> None:
    """y (O, …) from the sums of `count` samples, by one of the four ends; passes (O, …) like y for POOL."""
    if end == PLAIN:
        drain_plain(out, column, count, b, y, start)
    elif end == RELU:
        drain_relu(out, column, count, b, y, start)
    elif end == POOL:
        drain_pool(out, column, count, b, y, passes, start)
    else:
        drain_unfold(out, column, count, b, y, start, T)


@compiled
def fill_gradient(
    end: int, z: Array, column: int, dy: Array, y: Array, passes: Array, start: int, count: int, T: int
) -> None:
    """z (O, …) from dy, y and passes (O, …), by one of the four ends."""
    if end == PLAIN:
        fill(z, column, dy, start, count)
    elif end == RELU:
        fill_relu(z, column, dy, y, start, count, T)
    elif end == POOL:
        fill_pool(z, column, dy, passes, start, count, T)
    else:
        fill_unfold(z, column, dy, y, start, count, T)


@compiled
def drain_plain(out: Array, column: int, count: int, b: Array, y: Array, start: int) -> None:
    """y[:, start : start + count] = sums + b."""
    for o in range(y.shape[0]):
        sums, into = out[o, column : column + count], y[o, start : start + count]
        for t in range(count):
            into[t] = sums[t] + b[o]


@compiled
def drain_relu(out: Array, column: int, count: int, b: Array, y: Array, start: int) -> None:
    """y[:, start : start + count] = relu(sums + b)."""
    for o in range(y.shape[0]):
        sums, into = out[o, column : column + count], y[o, start : start + count]
        for t in range(count):
            into[t] = max(sums[t] + b[o], ZERO)


@compiled
def fill_relu(z: Array, column: int, dy: Array, y: Array, start: int, count: int, T: int) -> None:
    """z = dy where ReLU let the value through."""
    first, last = max(start, 0), min(start + count, T)
    for o in range(dy.shape[0]):
        into, arriving, value = z[o, column + first - start :], dy[o, first:last], y[o, first:last]
        for t in range(last - first):
            gradient = arriving[t]  # loaded in any case: what is only loaded if … does not run on vectors
            into[t] = gradient if value[t] > 0 else ZERO


@compiled
def drain_pool(out: Array, column: int, count: int, b: Array, y: Array, passes: Array, start: int) -> None:
    """y[:, start / 2 :] = relu(max of two sums + b); the last sample of an odd length stands alone."""
    half = count // 2
    for o in range(y.shape[0]):
        sums = out[o, column : column + count]
        into, passing = y[o, start // 2 :], passes[o, start // 2 :]
        for t in range(half):
            first, second = sums[2 * t] + b[o], sums[2 * t + 1] + b[o]
            largest = max(first, second)
            into[t] = max(largest, ZERO)
            passing[t] = CLOSED if largest <= 0 else (SECOND if second > first else FIRST)
        if count % 2:
            last = sums[count - 1] + b[o]
            into[half] = max(last, ZERO)
            passing[half] = FIRST if last > 0 else CLOSED


@compiled
def fill_pool(z: Array, column: int, dy: Array, passes: Array, start: int, count: int, T: int) -> None:
    """z = dy at the sample that won its pair, zero at the other; a piece may begin in the middle of a pair."""
    first, last = max(start, 0), min(start + count, T)
    for o in range(dy.shape[0]):
        into, arriving, passing = z[o, column + first - start :], dy[o, first // 2 :], passes[o, first // 2 :]
        odd = first % 2
        if odd:
            into[0] = arriving[0] if passing[0] == SECOND else ZERO
        pairs, into_pairs = (last - first - odd) // 2, into[odd:]
        from_pairs, passing_pairs = arriving[odd:], passing[odd:]
        for t in range(pairs):
            gradient, way = from_pairs[t], passing_pairs[t]
            into_pairs[2 * t] = gradient if way == FIRST else ZERO
            into_pairs[2 * t + 1] = gradient if way == SECOND else ZERO
        if (last - first - odd) % 2:
            into_pairs[2 * pairs] = from_pairs[pairs] if passing_pairs[pairs] == FIRST else ZERO


@compiled
def drain_unfold(out: Array, column: int, count: int, b: Array, y: Array, start: int, T: int) -> None:
    """y[:, 2 start - crop :] = relu(sums + b), even and odd filters' sums in turn; what is cropped is left out."""
    O, crop = y.shape[0], (2 * T - y.shape[1]) // 2
    first = crop if start == 0 else 0  # pairs before `first` and from `last` on are split by the crop
    last = count - 1 if start + count == T and y.shape[1] + crop < 2 * T else count
    for o in range(O):
        even, odd = out[o, column : column + count], out[O + o, column : column + count]
        if first == 1:
            y[o, 0] = max(odd[0] + b[o], ZERO)
        at = 2 * (start + first) - crop
        into, even_pairs, odd_pairs = y[o, at:], even[first:], odd[first:]
        for t in range(last - first):
            into[2 * t] = max(even_pairs[t] + b[o], ZERO)
            into[2 * t + 1] = max(odd_pairs[t] + b[o], ZERO)
        if last < count:
            y[o, y.shape[1] - 1] = max(even[last] + b[o], ZERO)


@compiled
def fill_unfold(z: Array, column: int, dy: Array, y: Array, start: int, count: int, T: int) -> None:
    """z = dy where ReLU let the value through, even samples in the first O rows, odd ones in the next."""
    O, crop = dy.shape[0], (2 * T - dy.shape[1]) // 2
    first, last = max(start, 0), min(start + count, T)
    first_pair = first + (crop if first == 0 else 0)
    last_pair = last - 1 if last == T and dy.shape[1] + crop < 2 * T else last
    at = 2 * first_pair - crop
    for o in range(O):
        even, odd = z[o, column + first_pair - start :], z[O + o, column + first_pair - start :]
        arriving, value = dy[o, at:], y[o, at:]
        for t in range(last_pair - first_pair):
            even_gradient, odd_gradient = arriving[2 * t], arriving[2 * t + 1]
            even[t] = even_gradient if value[2 * t] > 0 else ZERO
            odd[t] = odd_gradient if value[2 * t + 1] > 0 else ZERO
        if first < first_pair:
            z[o, column + first - start] = 0
            z[O + o, column + first - start] = dy[o, 0] if y[o, 0] > 0 else ZERO
        if last_pair < last:
            end = dy.shape[1] - 1
            z[o, column + last_pair - start] = dy[o, end] if y[o, end] > 0 else ZERO
            z[O + o, column + last_pair - start] = 0
