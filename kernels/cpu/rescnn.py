"""Twin of minieqt/blocks/rescnn.py: normalisation, ReLU and dropout in one pass, then the convolution.

In training every half needs the statistics of the whole batch first. In evaluation they are known, and a window goes
through all blocks while it is in a core's own cache; with few windows, threads share each half's filters instead.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads, prange

from .batchnorm import EPS, channel_gradient
from .conv.correlate import correlate
from .conv.epilogue import PLAIN
from .conv.forward import whole_windows
from .conv.plan import packed_block, plan_of, weights_of
from .conv.rows import clear_margins, padded_rows, piece_length, room, round_up, rows_at, scratch
from .conv1d import conv1d_backward, conv1d_forward
from .runtime.compile import compiled, compiled_parallel
from .simd.tile import COLUMNS, ROWS

Array = Any


def rescnn_half_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    mean: Array,
    variance: Array,
    W: Array,
    b: Array,
    mask: Array | None = None,
) -> tuple[Array, Any]:
    """x (B, C, T), gamma beta mean variance (C), W (O, C, K), b (O), mask (B, C, 1) -> y (B, O, T), cache."""
    x, a = np.ascontiguousarray(x), np.empty(x.shape, np.float32)
    factors = np.ones((*x.shape[:2], 1), np.float32) if mask is None else mask
    normalise_relu(x, gamma, beta, mean, variance, factors, a)
    y, conv_cache = conv1d_forward(a, W, b)
    return y, (x, gamma, mean, variance, factors, a, conv_cache)


def rescnn_half_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dgamma, dbeta (C), dW (O, C, K), db (O)."""
    x, gamma, mean, variance, factors, a, conv_cache = cache
    da, dW, db = conv1d_backward(dy, conv_cache)
    through_relu(da, a, factors)
    dx, dgamma, dbeta = np.empty_like(x), np.empty_like(gamma), np.empty_like(gamma)
    inverse_std = 1 / np.sqrt(variance + EPS)
    channel_gradient(da, x, gamma, mean, inverse_std, dx, dgamma, dbeta)
    return dx, dgamma, dbeta, dW, db


@compiled_parallel
def normalise_relu(
    x: Array, gamma: Array, beta: Array, mean: Array, variance: Array, factors: Array, a: Array
) -> None:
    """a = factors · relu(batchnorm(x)); x, a (B, C, T), gamma beta mean variance (C), factors (B, C, 1)."""
    B, C, T = x.shape
    for n in prange(B):
        for c in range(C):
            row, into = x[n, c], a[n, c]
            scale = gamma[c] / np.sqrt(variance[c] + np.float32(EPS))
            for t in range(T):
                into[t] = factors[n, c, 0] * max(scale * (row[t] - mean[c]) + beta[c], np.float32(0))


@compiled_parallel
def through_relu(da: Array, a: Array, factors: Array) -> None:
    """da, in place, back through the dropout's factors and the ReLU: zero wherever a is not positive."""
    B, C, T = a.shape
    for n in prange(B):
        for c in range(C):
            gradient, outputs = da[n, c], a[n, c]
            for t in range(T):
                passed = gradient[t] * factors[n, c, 0]  # computed in any case, so that the loop is vectorised
                gradient[t] = passed if outputs[t] > 0 else np.float32(0)


def rescnn_evaluated(x: Array, halves: tuple[tuple[Array | None, ...], ...]) -> Array:
    """x (B, C, T), for each half of each block what `rescnn_half_forward` takes besides x -> y (B, C, T)."""
    gammas, betas, means, variances, Ws, bs, masks = zip(*halves, strict=True)
    (B, C, T), threads = x.shape, get_num_threads()
    gamma, beta, mean, variance = np.concatenate(gammas + betas + means + variances).reshape(4, len(halves), C)
    factors = np.ones((len(halves), B, C), np.float32) if masks[0] is None else np.stack(masks)[..., 0]
    plan = plan_of((PLAIN,) * len(halves), tuple(W.shape for W in Ws), (T,) * (len(halves) + 1), False)
    norm = Normalisation(gamma / np.sqrt(variance + np.float32(EPS)), mean, beta, factors)
    convs = Convolutions(plan.stages, plan.margin, weights_of(*Ws).packed, np.concatenate(bs))
    y = np.array(x, order="C")  # a copy
    evaluate(y, norm, convs, threads, whole_windows(B, threads))
    return y


class Normalisation(NamedTuple):
    """Of all halves: scale γ / σ, mean and β (halves, C), dropout's factors (halves, B, C)."""

    scales: Array
    mean: Array
    beta: Array
    factors: Array


class Convolutions(NamedTuple):
    """Of all halves, as in a chain (conv/plan.py)."""

    stages: Array
    margin: int
    packed: Array
    biases: Array


@compiled
def normalised(h: int, n: int, x: Array, norm: Normalisation, values: Array, margin: int) -> Array:
    """Padded rows, in `values`, of factors · relu(scales · (x - mean) + beta) for half h and window n, x (C, T)."""
    C, T = x.shape
    scales, mean, beta, factors = norm.scales[h], norm.mean[h], norm.beta[h], norm.factors[h, n]
    clear_margins(values, 0, C, T, margin)
    rows = rows_at(values, 0, C, T, margin)
    for c in range(C):
        row, into = x[c], rows[c, margin:]
        for t in range(T):
            into[t] = factors[c] * max(scales[c] * (row[t] - mean[c]) + beta[c], np.float32(0))
    return rows


@compiled
def convolve_blocks(
    h: int, blocks: tuple[int, int], convs: Convolutions, rows: Array, out: Array, y: Array
) -> None:
    """The filters of some blocks (first, beyond) of a half: y (C, T) = convolution of padded rows, added to it if it is
    a block's second half."""
    (C, T), stage, margin, add = y.shape, convs.stages[h], convs.margin, h % 2 == 1
    K, length = stage.taps, piece_length(T, COLUMNS)
    for block in range(blocks[0], blocks[1]):
        weights = packed_block(convs.packed, stage.packed_at, block, C, K)
        for start in range(0, T, length):
            count = min(length, T - start)
            correlate(rows, margin + start - (K - 1) // 2, weights, round_up(count, COLUMNS), out)
            for r in range(min(ROWS, C - block * ROWS)):
                o = block * ROWS + r
                into, sums, bias = y[o, start : start + count], out[r], convs.biases[stage.b_at + o]
                if add:
                    for t in range(count):
                        into[t] += sums[t] + bias
                else:
                    for t in range(count):
                        into[t] = sums[t] + bias


@compiled_parallel
def evaluate(y: Array, norm: Normalisation, convs: Convolutions, threads: int, whole: bool) -> None:
    """All halves on y (B, C, T), in place; whole windows to a thread, or the filters of each half shared out."""
    (B, C, T), H, margin = y.shape, len(convs.stages) - 1, convs.margin
    blocks = padded_rows(C) // ROWS
    if whole:
        for part in prange(threads):
            values, out = np.empty(room(C, T, margin), np.float32), scratch(ROWS, T)
            between = np.empty((C, T), np.float32)
            for n in range(part * B // threads, (part + 1) * B // threads):
                for h in range(H):
                    source, into = (between, y[n]) if h % 2 == 1 else (y[n], between)
                    rows = normalised(h, n, source, norm, values, margin)
                    convolve_blocks(h, (0, blocks), convs, rows, out, into)
        return
    between = np.empty((C, T), np.float32)
    for n in range(B):
        for h in range(H):
            for part in prange(threads):
                values, out = np.empty(room(C, T, margin), np.float32), scratch(ROWS, T)
                source, into = (between, y[n]) if h % 2 == 1 else (y[n], between)
                rows = normalised(h, n, source, norm, values, margin)
                some = part * blocks // threads, (part + 1) * blocks // threads
                convolve_blocks(h, some, convs, rows, out, into)
