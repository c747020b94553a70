"""Twin of minieqt/layers/attention.py: the (B, T, T, U) array of tanhs is never written, not even kept for backward.

Forward keeps the two products q = x Wt + bh and k = x Wx, the weights a, and where each row's maximum was. Backward
computes the tanhs again, but only where a gradient arrives: three steps of forty-seven in local attention.

Forward needs T² U tanhs per window, but only 2 T U exponentials:

    tanh(q + k) = 1 - 2 / (e²ᑫ e²ᵏ + 1),      Σ_u Wa tanh(q + k) = Σ_u Wa - Σ_u 2 Wa / (e²ᑫ e²ᵏ + 1)

For a window whose q or k is so large that the product might overflow, the tanhs are computed one by one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from .conv.rows import GROUPS, round_up
from .runtime.compile import compiled, compiled_parallel
from .simd.elementary import exp, tanh
from .simd.tile import LANES

Array = Any

EPS = 1e-7
ONE, TWO = np.float32(1), np.float32(2)
FACTORS = np.float32(20)  # the largest |q| and |k| for which e²ᑫ e²ᵏ stays within float32
SATURATED = np.float32(1e8)  # a product above which tanh is 1 in float32; two such can still be multiplied


class Parameters(NamedTuple):
    """Wt, Wx (C, U), bh, Wa (U), ba (1); or their gradients."""

    Wt: Array
    Wx: Array
    bh: Array
    Wa: Array
    ba: Array


class Kept(NamedTuple):
    """What forward keeps, (B, …) or of one window: a (T, T), q and k (T, U), where each row of e is largest (T)."""

    a: Array
    q: Array
    k: Array
    largest: Array


def attention_forward(
    x: Array, Wt: Array, Wx: Array, bh: Array, Wa: Array, ba: Array, width: int | None = None, eps: float = EPS
) -> tuple[Array, Array, Any]:
    """x (B, C, T), Wt Wx (C, U), bh (U), Wa (U, 1), ba (1) -> y (B, C, T), weights a (B, T, T), cache."""
    x, (B, _, T), U = np.ascontiguousarray(x), x.shape, bh.size
    y, a = np.empty_like(x), np.empty((B, T, T), np.float32)
    q, k, largest = np.empty((B, T, U), np.float32), np.empty((B, T, U), np.float32), np.empty((B, T), np.int64)
    parameters, kept = Parameters(Wt, Wx, bh, Wa[:, 0].copy(), ba), Kept(a, q, k, largest)
    attend(x, parameters, 2 * T if width is None else width, np.float32(eps), y, kept)
    return y, a, (x, parameters, kept)


def attention_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dWt, dWx (C, U), dbh (U), dWa (U, 1), dba (1)."""
    x, parameters, kept = cache
    groups, dx = min(GROUPS, x.shape[0]), np.empty_like(x)
    sums = Parameters(*(np.zeros((groups, *parameter.shape), np.float32) for parameter in parameters))
    attend_backward(np.ascontiguousarray(dy), x, parameters, kept, dx, sums)
    dWt, dWx, dbh, dWa, dba = (total.sum(axis=0) for total in sums)
    return dx, dWt, dWx, dbh, dWa[:, None], dba


@compiled
def project(x: Array, W: Array, into: Array) -> None:
    """into (T, U) += xᵀ W for x (C, T), W (C, U)."""
    for t in range(x.shape[1]):
        row = into[t]
        for c in range(x.shape[0]):
            value, weights = x[c, t], W[c]
            for u in range(row.size):
                row[u] += value * weights[u]


@compiled
def scores_by_tanh(looking: Array, k: Array, Wa: Array, e: Array) -> None:
    """e (T or more) = Σ_u Wa[u] tanh(looking[u] + k[:, u]) for looking, Wa (U), k (T, U)."""
    for s in range(k.shape[0]):
        looked_at, score = k[s], np.float32(0)
        for u in range(Wa.size):
            score += tanh(looking[u] + looked_at[u]) * Wa[u]
        e[s] = score


@compiled
def scores_by_factors(looking: Array, looked_at: Array, Wa: Array, e: Array) -> None:
    """The same from the factors e²ᑫ (U) and e²ᵏ (U, columns), flat, for e (columns): no sum runs along a vector.

    Division is what takes the time, so two units share one: w / d + w' / d' = (w d' + w' d) / (d d'). Indices are
    unsigned, because LLVM does not vectorise a loop whose index might be negative, and slices cost more here.
    """
    U, columns = Wa.size, np.uint64(e.size)
    e[:] = Wa.sum()
    for pair in range(U // 2):
        factor, factor2 = looking[2 * pair], looking[2 * pair + 1]
        weight, weight2 = TWO * Wa[2 * pair], TWO * Wa[2 * pair + 1]
        row = np.uint64(2 * pair) * columns
        row2 = row + columns
        for s in range(columns):
            d = min(factor * looked_at[row + s], SATURATED) + ONE
            d2 = min(factor2 * looked_at[row2 + s], SATURATED) + ONE
            e[s] -= (weight * d2 + weight2 * d) / (d * d2)
    if U % 2:
        factor, weight, row = looking[U - 1], TWO * Wa[U - 1], np.uint64(U - 1) * columns
        for s in range(columns):
            e[s] -= weight / (factor * looked_at[row + s] + ONE)


@compiled
def softmax_row(e: Array, highest: np.float32, eps: np.float32, weights: Array) -> None:
    """weights = exp(e - highest) / (Σ exp(e - highest) + eps), all of one row's band."""
    total = eps
    for s in range(e.size):
        weights[s] = exp(e[s] - highest)
    for s in range(e.size):
        total += weights[s]
    scale = ONE / total
    for s in range(e.size):
        weights[s] *= scale


@compiled
def attend_one(x: Array, parameters: Parameters, width: int, eps: np.float32, y: Array, kept: Kept) -> None:
    """One window: x (C, T); fills y (C, T) and what is kept."""
    (Wt, Wx, bh, Wa, ba), (a, q, k, largest) = parameters, kept
    C, T = x.shape
    U = bh.size
    columns = round_up(T, 2 * LANES)  # LLVM runs along a row in twos of vectors, then number by number
    e, looking = np.empty(columns, np.float32), np.empty((T, U), np.float32)
    looked_at, by_time = np.zeros(U * columns, np.float32), np.ascontiguousarray(x.T)
    total = np.empty(C, np.float32)
    for t in range(T):
        for u in range(U):
            q[t, u], k[t, u] = bh[u], np.float32(0)
    project(x, Wt, q)
    project(x, Wx, k)
    moderate = max(np.abs(q).max(), np.abs(k).max()) <= FACTORS
    if moderate:
        for s in range(T):
            for u in range(U):
                looking[s, u] = exp(TWO * q[s, u])
        for u in range(U):
            row = looked_at[u * columns :]
            for s in range(T):
                row[s] = exp(TWO * k[s, u])
    for t in range(T):
        if moderate:
            scores_by_factors(looking[t], looked_at, Wa, e)
        else:
            scores_by_tanh(q[t], k, Wa, e)
        e += ba[0]
        best = np.argmax(e[:T])
        largest[t] = best
        weights, first, last = a[t], max(t - width // 2, 0), min(t - width // 2 + width, T)
        weights[:] = 0
        softmax_row(e[first:last], e[best], eps, weights[first:last])
        total[:] = 0
        for s in range(first, last):
            weight, row = weights[s], by_time[s]
            for c in range(C):
                total[c] += weight * row[c]
        y[:, t] = total


@compiled_parallel
def attend(x: Array, parameters: Parameters, width: int, eps: np.float32, y: Array, kept: Kept) -> None:
    """`attend_one` for each of B windows: x, y (B, C, T)."""
    for n in prange(x.shape[0]):
        own = Kept(kept.a[n], kept.q[n], kept.k[n], kept.largest[n])
        attend_one(x[n], parameters, width, eps, y[n], own)


@compiled
def attend_one_backward(
    dy: Array, x: Array, parameters: Parameters, kept: Kept, dx: Array, gradients: Parameters
) -> None:
    """One window: dy, x (C, T); fills dx (C, T), adds to the parameters' gradients.

    With Z_t = Σ_s w[t, s] + eps, a[t, s] = w[t, s] / Z_t and w[t, s] = exp(e[t, s] - max_s e[t, s]) in the band,

        da[t, s] = Σ_c dy[c, t] x[c, s]                    and dx[c, s] += Σ_t dy[c, t] a[t, s]
        de[t, s] = a[t, s] (da[t, s] - Σ_r da[t, r] a[t, r])
        de[t, where e is largest] -= Σ_s de[t, s]          the maximum, taken off every e: zero but for eps
        dz = de Wa (1 - h²), h = tanh(q_t + k_s)           into dq_t and dk_s, and through x Wt + bh, x Wx to the rest
    """
    (Wt, Wx, _, Wa, _), (a, q, k, largest) = parameters, kept
    dWt, dWx, dbh, dWa, dba = gradients
    C, T = x.shape
    U = Wa.size
    dq, dk, de = np.zeros((T, U), np.float32), np.zeros((T, U), np.float32), np.empty(T, np.float32)
    dx[:] = 0
    for t in range(T):
        weights = a[t]
        de[:] = 0
        for c in range(C):
            arriving, row, leaving = dy[c, t], x[c], dx[c]
            for s in range(T):
                de[s] += arriving * row[s]
                leaving[s] += arriving * weights[s]
        mean, through_maximum = np.float32(0), np.float32(0)
        for s in range(T):
            mean += de[s] * weights[s]
        for s in range(T):
            de[s] = (de[s] - mean) * weights[s]
            through_maximum += de[s]
        de[largest[t]] -= through_maximum
        looking, dlooking = q[t], dq[t]
        for s in range(T):
            if de[s] != 0:
                looked_at, dlooked_at, gradient = k[s], dk[s], de[s]
                for u in range(U):
                    h = tanh(looking[u] + looked_at[u])
                    dWa[u] += gradient * h
                    dz = gradient * Wa[u] * (np.float32(1) - h * h)
                    dlooking[u] += dz
                    dlooked_at[u] += dz
                dba[0] += gradient
    for t in range(T):
        for u in range(U):
            dbh[u] += dq[t, u]
    for c in range(C):
        row, leaving, dt, ds, wt, ws = x[c], dx[c], dWt[c], dWx[c], Wt[c], Wx[c]
        for t in range(T):
            total = np.float32(0)
            for u in range(U):
                dt[u] += row[t] * dq[t, u]
                ds[u] += row[t] * dk[t, u]
                total += wt[u] * dq[t, u] + ws[u] * dk[t, u]
            leaving[t] += total


@compiled_parallel
def attend_backward(
    dy: Array, x: Array, parameters: Parameters, kept: Kept, dx: Array, sums: Parameters
) -> None:
    """`attend_one_backward` for each of B windows; the parameters' gradients (groups, …) are summed group by group."""
    B, groups = x.shape[0], sums.Wt.shape[0]
    for g in prange(groups):
        own_sums = Parameters(sums.Wt[g], sums.Wx[g], sums.bh[g], sums.Wa[g], sums.ba[g])
        for n in range(g * B // groups, (g + 1) * B // groups):
            own = Kept(kept.a[n], kept.q[n], kept.k[n], kept.largest[n])
            attend_one_backward(dy[n], x[n], parameters, own, dx[n], own_sums)
