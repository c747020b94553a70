"""The decoder's last convolution, to one logit per sample, on polyphase components.

One filter would leave a register tile nearly empty, but ROWS neighbouring components fill it: they read the same rows,
each with a weight of its own.

    forward     s[p + r] = Σ_c Σ_q W[c, q - r] x_c[p + q - left]      r = 0 … ROWS - 1, q = 0 … K + ROWS - 2
    backward    dx_c[p] = Σ_k W[c, k] ds[p - k + left],   dW[c, k] = Σ_p ds[p - k + left] · x_c[p]
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..conv.correlate import FlatRows, correlate_gradient, place_of_sum
from ..conv.rows import padded_rows
from ..runtime.compile import compiled
from ..simd.tile import COLUMNS, ROWS, outer_add, store_tile, zero_tile
from .layout import Plan, bounds, place

Array = Any


class Head(NamedTuple):
    """The weights as `pack_head` makes them, empty where there is no head, and the bias."""

    packed: Array
    bias: float


def pack_head(W: Array) -> Array:
    """W (1, C, K) -> (C, K + ROWS - 1, ROWS): every row of a tile has the kernel one place later."""
    _, C, K = W.shape
    packed = np.zeros((C, K + ROWS - 1, ROWS), np.float32)
    for r in range(ROWS):
        packed[:, r : r + K, r] = W[0]
    return packed


def pack_head_backward(W: Array) -> Array:
    """W (1, C, K) -> (blocks, K, ROWS): a tile's channels side by side, taps reversed."""
    _, C, K = W.shape
    packed = np.zeros((int(padded_rows(C)), K), np.float32)
    packed[:C] = W[0, :, ::-1]
    return np.ascontiguousarray(packed.reshape(len(packed) // ROWS, ROWS, K).transpose(0, 2, 1))


def head_gradient(sums: Array, C: int, K: int) -> Array:
    """The sums of `head_backward` -> dW (1, C, K)."""
    flat = sums.reshape(-1)
    places = [[place_of_sum(c, K - 1 - k, sums.shape[1]) for k in range(K)] for c in range(C)]
    return flat[np.array(places)][None]


@compiled
def head_forward(p: int, plan: Plan, head: Head, values: Array, logits: Array) -> None:
    """Logits (T') of ROWS components from p on."""
    stage, T, width, packed, bias = plan.stages[-1], plan.T, plan.width, head.packed, head.bias
    (C, taps, _), at = packed.shape, stage.x_at
    P, left, (begin, end) = 1 << stage.level, (taps - ROWS) // 2, bounds(stage, T)
    sums = np.empty((ROWS, COLUMNS), np.float32)
    for j in range(0, T, COLUMNS):
        tile = zero_tile()
        for q in range(taps):
            row = at + place(p + q - left, stage, width) + j
            for c in range(C):
                tile = outer_add(tile, packed, (c * taps + q) * ROWS, values, row + c * width)
        store_tile(tile, sums, 0, COLUMNS)
        for u in range(min(COLUMNS, T - j)):
            t = (j + u) * P + p
            for r in range(min(ROWS, P - p)):
                if begin <= t + r < end:
                    logits[t + r - begin] = sums[r, u] + bias


@compiled
def head_backward(
    plan: Plan, weights: Array, dlogits: Array, values: Array, gradients: Array, spread: Array, sums: Array
) -> None:
    """dlogits (T') -> gradients of the rows it read, which lie like the values; added to `sums` for dW.

    weights (blocks, K, ROWS): W of ROWS channels, taps reversed. `spread` (rows, width) is scratch, with a row for each
    component and each tap: the gradient of every component, and beyond the ends those of the neighbours.
    """
    stage, T, width = plan.stages[-1], plan.T, plan.width
    (blocks, K, _), at, C = weights.shape, stage.x_at, stage.channels
    P, right, (begin, end) = 1 << stage.level, K - 1 - (K - 1) // 2, bounds(stage, T)
    spread[: P + K - 1] = 0
    for row in range(P + K - 1):
        for u in range(T):
            t = u * P + row - right
            if begin <= t < end:
                spread[row, u] = dlogits[t - begin]
    out = np.empty((ROWS, COLUMNS), np.float32)
    for block in range(blocks):
        for p in range(P):
            for j in range(0, T, COLUMNS):
                tile = zero_tile()
                for k in range(K):
                    tile = outer_add(tile, weights, (block * K + k) * ROWS, spread, (p + k) * width + j)
                store_tile(tile, out, 0, COLUMNS)
                for r in range(min(ROWS, C - block * ROWS)):
                    row = at + (p * C + block * ROWS + r) * width + j
                    gradients[row : row + COLUMNS] = out[r]
    x, z = FlatRows(values, at, width, C * width), FlatRows(spread.reshape(-1), 0, width, width)
    correlate_gradient(x, z, P, T, K, 1, sums)  # a component is to these rows what a window is to others
