"""A crop that splits a pair: the outputs beside it, which folding gets wrong.

A decoder stage crops what it has upsampled, one sample at an end. At the left u[0] is gone and u[1] = x[0] stays:

    as it should be     y[t] = Σ_k W[k] u[t + k - left],  u[0] = 0
    folded (fold.py)    … with u[0] = u[1] = x[0]: it has pairs only

So the outputs t within a kernel's reach of the end include a u[at] that should be zero. Forward computes those few
outputs again. Backward subtracts what the folded sums gave for it: output t read u[at] through the tap k for which
t + k - left = at, so with z = dy where ReLU let it pass

    dx[at >> 1] -= Σ_k Σ_o W[o, k] z[o, at - k + left]        dW[o, k] -= z[o, at - k + left] · x[at >> 1]

Samples lie as in layout.py; by_tap holds W (O, C, K) as (K, C, O), so that loops run along O.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..runtime.compile import compiled
from .layout import Plan, Stage, bounds, place
from .weights import Weights

Array = Any


@compiled
def by_tap_of(stage: Stage, by_tap: Array) -> Array:
    """A stage's weights as (K, C, O)."""
    K, C, O, at = stage.kernel, stage.channels, stage.filters, stage.W_at
    return by_tap[at : at + K * C * O].reshape(K, C, O)


@compiled
def redo_ends(s: int, plan: Plan, weights: Weights, values: Array) -> None:
    """Compute the outputs within a kernel's reach of stage s's cropped ends again, in place, by the definition."""
    stage, following, width = plan.stages[s], plan.stages[s + 1], plan.width
    W, b = by_tap_of(stage, weights.by_tap), weights.biases[stage.b_at : stage.b_at + stage.filters]
    K, C, O = W.shape
    left, (begin, end) = (K - 1) // 2, bounds(following, plan.T)
    x, sums = stage.x_at, np.empty(O, np.float32)
    for t in range(begin, end):
        beside = (stage.crop_left and t < begin + left) or (stage.crop_right and t >= end - (K - 1 - left))
        if not beside:
            continue
        sums[:] = b
        for k in range(K):
            at = t + k - left
            if begin <= at < end:
                first = x + place(at >> 1, stage, width)
                for c in range(C):
                    value, row = values[first + c * width], W[k, c]
                    for o in range(O):
                        sums[o] += value * row[o]
        first = following.x_at + place(t, following, width)
        for o in range(O):
            values[first + o * width] = max(sums[o], np.float32(0))


@compiled
def take_off_cropped(s: int, plan: Plan, by_tap: Array, values: Array, gradients: Array, cropped: Array) -> None:
    """Subtract what the folded backward gave for stage s's cropped samples: from dx in `gradients`, and from dW in
    `cropped`, which lies like by_tap; dy is in `gradients` too, which lie like the values."""
    stage, following, width = plan.stages[s], plan.stages[s + 1], plan.width
    W, dW = by_tap_of(stage, by_tap), by_tap_of(stage, cropped)
    K, C, O = W.shape
    left, (begin, end) = (K - 1) // 2, bounds(following, plan.T)
    x, z = stage.x_at, np.empty(O, np.float32)
    for side in range(2):
        if not (stage.crop_right if side else stage.crop_left):
            continue
        at = end if side else begin - 1
        first = x + place(at >> 1, stage, width)
        for k in range(K):
            t = at - k + left
            if not begin <= t < end:
                continue
            y = following.x_at + place(t, following, width)
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
