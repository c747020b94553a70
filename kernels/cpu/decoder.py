"""Twin of minieqt/blocks/decoder.py: upsampling, convolution and ReLU without writing the upsampled array, on samples
that lie in phases (phases.py), all stages and the head in one pass.

That is done for the crops of the published networks, at most one sample at each end; a stage with any other is
upsampled, cropped and convolved as it is written.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads

from kernels.cpu.conv.backward import chain_backward
from kernels.cpu.conv.epilogue import RELU
from kernels.cpu.conv.forward import chain_forward, whole_samples
from kernels.cpu.conv.gradient import add_groups
from kernels.cpu.conv.rows import GROUPS, aligned
from kernels.cpu.polyphase.backward import each_group
from kernels.cpu.polyphase.forward import each_sample, each_stage
from kernels.cpu.polyphase.gradient import collect
from kernels.cpu.polyphase.head import head_gradient, head_sums_shape, pack_head, pack_head_backward
from kernels.cpu.polyphase.layout import BIAS, FILTERS, WEIGHTS, Phases, bounds, phases_of
from kernels.cpu.polyphase.weights import Weights, pack_all_backward, weights_of
from kernels.cpu.runtime.allocator import keep_freed_memory
from kernels.cpu.runtime.packed import prepared
from kernels.cpu.simd.tile import ROWS

Array = Any

NO_HEAD = np.zeros((1, 0, 0), np.float32)


class Kept(NamedTuple):
    """What forward keeps for backward: the plan, weights, the rows of all stages."""

    phases: Phases
    shapes: tuple[tuple[int, int, int], ...]  # of W, the head's too
    weights: Weights
    head: Array  # W (1, C, K), or empty
    values: Array


def run(
    x: Array, Ws: tuple[Array, ...], bs: tuple[Array, ...], crops: tuple[tuple[int, int], ...], keep: bool
) -> tuple[Array, Any]:
    """x (B, C, T) -> the last stage's y (B, O, T'), or logits (B, 1, T') where there is a W more than crops; what is
    kept. NotImplemented for other crops than 0 and 1, and for a head of several filters."""
    if any(crop not in (0, 1) for pair in crops for crop in pair) or (len(Ws) > len(crops) and len(Ws[-1]) > 1):
        return NotImplemented
    keep_freed_memory()
    x, stages, threads = np.ascontiguousarray(x), len(crops), get_num_threads()
    (B, _, T), shapes = x.shape, tuple(W.shape for W in Ws)
    phases, weights = phases_of(shapes[:stages], crops, T), weights_of(crops, Ws[:stages])
    head = prepared(pack_head, Ws[-1]) if len(Ws) > stages else NO_HEAD
    whole = whole_samples(B, threads)
    values = aligned(phases.numbers * (B if keep or not whole else threads) + ROWS * phases.width)
    begin, end = bounds(phases.table[-1], T)
    y = np.empty((B, shapes[-1][0], end - begin), np.float32)
    (each_sample if whole else each_stage)(
        x, phases.table, phases.width, *weights, np.concatenate(bs[:stages]), values, phases.numbers, keep, threads,
        head, bs[-1][0], y,
    )
    return y, Kept(phases, shapes, weights, Ws[-1] if len(Ws) > stages else NO_HEAD, values) if keep else None


def run_back(dy: Array, kept: Kept) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """dy like y -> dx (B, C, T), dW (O, C, K) and db (O) of every stage, and of the head if there is one."""
    keep_freed_memory(large=True)
    phases, shapes, dy, (_, C, K) = kept.phases, kept.shapes, np.ascontiguousarray(dy), kept.head.shape
    table, B = phases.table, len(dy)
    groups = max(1, min(GROUPS, B))  # one for no sample at all: its sums are zero
    packed, head = aligned(phases.back_packed), pack_head_backward(kept.head)
    pack_all_backward(table, kept.weights.packed, packed)
    dx = np.empty((B, shapes[0][1], phases.T), np.float32)
    sums, cropped = np.empty((groups, phases.sums), np.float32), np.empty((groups, phases.weights), np.float32)
    db = np.empty((groups, table[-2, BIAS] + table[-2, FILTERS]), np.float32)
    head_sums = np.empty((groups, *head_sums_shape(C, K)), np.float32)
    each_group(
        dy, table, phases.T, phases.width, packed, kept.weights.by_tap, head, kept.values, phases.numbers,
        dx, sums, db, cropped, head_sums,
    )
    for parts in (sums, cropped, head_sums.reshape(groups, -1)):
        add_groups(parts)
    dW = np.empty(phases.weights, np.float32)
    collect(table, sums[0], cropped[0], dW)
    dWs = tuple(part.reshape(shape) for part, shape in zip(np.split(dW, table[1:-1, WEIGHTS]), shapes, strict=False))
    dbs = tuple(np.split(db.sum(axis=0), table[1:-1, BIAS]))
    if kept.head.size > 0:
        dWs, dbs = (*dWs, head_gradient(head_sums[0], C, K)), (*dbs, dy.sum(axis=(0, 2)))
    return dx, dWs, dbs


def decoder_forward(
    x: Array, Ws: tuple[Array, ...], bs: tuple[Array, ...], crops: tuple[tuple[int, int], ...], keep: bool = True
) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K) and b (O) of every stage and of the head, crop of every stage -> logits (B, 1, T'),
    cache; NotImplemented where a crop cannot be done in phases."""
    return run(x, Ws, bs, crops, keep)


def decoder_backward(dlogits: Array, cache: Any) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """dlogits (B, 1, T') -> dx (B, C, T), dW (O, C, K) and db (O) of every stage and of the head."""
    return run_back(dlogits, cache) if isinstance(cache, Kept) else NotImplemented


def decoder_stage_forward(x: Array, W: Array, b: Array, crop: tuple[int, int] = (0, 0)) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O), crop of each end -> y (B, O, 2T - left - right), cache."""
    result = run(x, (W,), (b,), (crop,), True)
    if result is NotImplemented:
        length = 2 * x.shape[2] - sum(crop)
        upsampled = np.repeat(x, 2, axis=2)[:, :, crop[0] : crop[0] + length]
        y, kept = chain_forward((RELU,), upsampled, (W,), (b,), (length,))
        return y, (kept, crop)
    return result


def decoder_stage_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, 2T - left - right) -> dx (B, C, T), dW (O, C, K), db (O)."""
    if isinstance(cache, Kept):
        dx, (dW,), (db,) = run_back(dy, cache)
    else:
        kept, crop = cache
        du, (dW,), (db,) = chain_backward(dy, kept)
        du = np.pad(du, ((0, 0), (0, 0), crop))
        dx = du[:, :, 0::2] + du[:, :, 1::2]
    return dx, dW, db
