"""Twin of minieqt/blocks/decoder.py: upsampling, convolution and ReLU without writing the upsampled array, on polyphase
components (polyphase/layout.py), all stages and the head in one pass.

That is done for the crops of the published networks, at most one sample at each end. With any other crop a stage is
upsampled, cropped and convolved one after the other, and the whole decoder is left to its definition.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads

from .conv.backward import chain_backward
from .conv.correlate import sums_shape
from .conv.epilogue import RELU
from .conv.forward import chain_forward, whole_windows
from .conv.gradient import add_groups, split
from .conv.rows import GROUPS, aligned
from .polyphase.backward import BackWeights, Sums, each_group
from .polyphase.forward import Memory, each_stage, each_window
from .polyphase.gradient import collect
from .polyphase.head import Head, head_gradient, pack_head, pack_head_backward
from .polyphase.layout import Plan, plan_of
from .polyphase.weights import Weights, pack_all_backward, weights_of
from .runtime.packed import packed
from .runtime.process import keep_freed_memory
from .simd.tile import ROWS

Array = Any

NO_HEAD = np.zeros((1, 0, 0), np.float32)


class Kept(NamedTuple):
    """What forward keeps for backward: the plan, weights, the rows of all stages."""

    plan: Plan
    shapes: tuple[tuple[int, int, int], ...]  # of W, the head's too
    weights: Weights
    head: Array  # W (1, C, K), or empty
    values: Array


def decoder_forward(
    x: Array, Ws: tuple[Array, ...], bs: tuple[Array, ...], crops: tuple[tuple[int, int], ...], keep: bool = True
) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K) and b (O) of every stage and of the head, crop of every stage -> logits (B, 1, T'),
    cache. Without a head, as many W as crops, it is the last stage's y (B, O, T'). NotImplemented for other crops than
    0 and 1, and for a head of several filters."""
    if any(crop not in (0, 1) for pair in crops for crop in pair) or (len(Ws) > len(crops) and len(Ws[-1]) > 1):
        return NotImplemented
    keep_freed_memory()
    x, stages, threads = np.ascontiguousarray(x), len(crops), get_num_threads()
    (B, _, T), shapes = x.shape, tuple(W.shape for W in Ws)
    plan, weights = plan_of(shapes[:stages], crops, T), weights_of(crops, Ws[:stages], bs[:stages])
    head = Head(packed(pack_head, Ws[-1]) if len(Ws) > stages else NO_HEAD, bs[-1][0])
    whole = whole_windows(B, threads)
    memory = Memory(
        aligned(plan.numbers * (B if keep or not whole else threads) + ROWS * plan.width),
        np.empty((B, shapes[-1][0], plan.length), np.float32),
    )
    each = each_window if whole else each_stage
    each(x, plan, weights, head, memory, keep, threads)
    W_head = Ws[-1] if len(Ws) > stages else NO_HEAD
    return memory.y, Kept(plan, shapes, weights, W_head, memory.values) if keep else None


def decoder_backward(dlogits: Array, cache: Any) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """dlogits (B, 1, T'), or dy without a head -> dx (B, C, T), dW (O, C, K) and db (O) of every stage and of the
    head, if there is one. NotImplemented where the definition made the cache."""
    if not isinstance(cache, Kept):
        return NotImplemented
    keep_freed_memory(large=True)
    kept, dy = cache, np.ascontiguousarray(dlogits)
    plan, shapes, (_, C, K) = kept.plan, kept.shapes, kept.head.shape
    stages, end, B = plan.stages, plan.stages[-1], len(dy)
    groups = max(1, min(GROUPS, B))  # one even without windows: its sums are zero
    weights = BackWeights(aligned(end.back_packed_at), kept.weights.by_tap, pack_head_backward(kept.head))
    pack_all_backward(stages, kept.weights.packed, weights.packed)
    dx = np.empty((B, shapes[0][1], plan.T), np.float32)
    sizes = (end.sums_at,), (end.b_at,), (end.W_at,), sums_shape(C, K)  # in the order of Sums
    sums = Sums(*(np.empty((groups, *size), np.float32) for size in sizes))
    each_group(dy, plan, weights, kept.values, dx, sums)
    for parts in (sums.weights, sums.cropped, sums.head.reshape(groups, -1)):
        add_groups(parts)
    dW = np.empty(end.W_at, np.float32)
    collect(stages, sums.weights[0], sums.cropped[0], dW)
    shapes = shapes[: len(stages) - 1]
    dWs = split(dW, stages["W_at"], shapes)
    dbs = split(sums.db.sum(axis=0), stages["b_at"], [shape[:1] for shape in shapes])
    if kept.head.size > 0:
        dWs, dbs = (*dWs, head_gradient(sums.head[0], C, K)), (*dbs, dy.sum(axis=(0, 2)))
    return dx, dWs, dbs


def decoder_stage_forward(x: Array, W: Array, b: Array, crop: tuple[int, int] = (0, 0)) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O), crop of each end -> y (B, O, 2T - left - right), cache."""
    result = decoder_forward(x, (W,), (b,), (crop,))
    if result is NotImplemented:
        length = 2 * x.shape[2] - sum(crop)
        upsampled = np.repeat(x, 2, axis=2)[:, :, crop[0] : crop[0] + length]
        y, kept = chain_forward((RELU,), upsampled, (W,), (b,), (length,))
        return y, (kept, crop)
    return result


def decoder_stage_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, 2T - left - right) -> dx (B, C, T), dW (O, C, K), db (O)."""
    if isinstance(cache, Kept):
        dx, (dW,), (db,) = decoder_backward(dy, cache)
    else:
        kept, crop = cache
        du, (dW,), (db,) = chain_backward(dy, kept)
        du = np.pad(du, ((0, 0), (0, 0), crop))
        dx = du[:, :, 0::2] + du[:, :, 1::2]
    return dx, dW, db
