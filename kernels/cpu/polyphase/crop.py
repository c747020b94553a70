"""A crop that splits a pair: the outputs beside it, which folding cannot know.

A decoder stage crops what it has upsampled, one sample at an end: at the left u[0] is gone, u[1] = x[0] stays. A folded
convolution (fold.py) knows pairs only, so the outputs within a kernel's reach of such an end count a u that should be
zero. Forward works them out anew, backward takes the cropped sample's share off again.

Samples lie as in phases.py; by_tap holds W (O, C, K) as (K, C, O), so that loops run along O.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.cpu.polyphase.layout import (
    BIAS,
    CHANNELS,
    CROP_LEFT,
    CROP_RIGHT,
    FILTERS,
    KERNEL,
    ROWS_AT,
    WEIGHTS,
    bounds,
    place,
)
from kernels.cpu.runtime.compile import compiled

Array = Any


@compiled
def by_tap_of(stage: Array, by_tap: Array) -> Array:
    """A stage's weights as (K, C, O)."""
    K, C, O, at = stage[KERNEL], stage[CHANNELS], stage[FILTERS], stage[WEIGHTS]
    return by_tap[at : at + K * C * O].reshape(K, C, O)


@compiled
def redo_ends(stage: Array, following: Array, T: int, width: int, by_tap: Array, biases: Array, values: Array) -> None:
    """The outputs within a kernel's reach of a cropped end, in place: the definition, on the few samples they read."""
    W, b = by_tap_of(stage, by_tap), biases[stage[BIAS] : stage[BIAS] + stage[FILTERS]]
    K, C, O = W.shape
    left, (begin, end) = (K - 1) // 2, bounds(following, T)
    x, sums = stage[ROWS_AT], np.empty(O, np.float32)
    for t in range(begin, end):
        beside = (stage[CROP_LEFT] and t < begin + left) or (stage[CROP_RIGHT] and t >= end - (K - 1 - left))
        if not beside:
            continue
        sums[:] = b
        for k in range(K):
            at = t + k - left
            if begin <= at < end:
                first = x + place(at >> 1, stage, width)
                for c in range(C):
                    value, weights = values[first + c * width], W[k, c]
                    for o in range(O):
                        sums[o] += value * weights[o]
        first = following[ROWS_AT] + place(t, following, width)
        for o in range(O):
            values[first + o * width] = max(sums[o], np.float32(0))


@compiled
def take_off_cropped(
    stage: Array, following: Array, T: int, width: int, by_tap: Array, values: Array, gradients: Array, cropped: Array
) -> None:
    """What the folded backward gave the cropped samples, taken off dx in `gradients` and off dW in `cropped`, like
    by_tap; dy is in `gradients` too, which lie like the values."""
    W, dW = by_tap_of(stage, by_tap), by_tap_of(stage, cropped)
    K, C, O = W.shape
    left, (begin, end) = (K - 1) // 2, bounds(following, T)
    x, z = stage[ROWS_AT], np.empty(O, np.float32)
    for side in range(2):
        if not stage[CROP_LEFT + side]:
            continue
        at = end if side else begin - 1
        first = x + place(at >> 1, stage, width)
        for k in range(K):
            t = at - k + left  # the output that tap k of the cropped sample reaches
            if not begin <= t < end:
                continue
            y = following[ROWS_AT] + place(t, following, width)
            for o in range(O):
                row = y + o * width
                z[o] = gradients[row] if values[row] > 0 else np.float32(0)
            for c in range(C):
                row, weights, gradient, total = first + c * width, W[k, c], dW[k, c], np.float32(0)
                value = values[row]
                for o in range(O):
                    total += z[o] * weights[o]
                    gradient[o] -= z[o] * value
                gradients[row] -= total
