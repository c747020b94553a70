"""Twin of minieqt/layers/attention.py: the (B, T, T, U) array of tanhs is never written, not even kept for backward.

Forward keeps the two products q = x Wt + bh and k = x Wx, the weights a, and where each row's maximum was. Backward works
the tanhs out again, and only where a gradient arrives: three steps of forty-seven in local attention.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.elementary import exp, tanh
from kernels.cpu.strip import GROUPS, compiled, compiled_parallel

Array = Any

EPS = np.float32(1e-7)


def attention_forward(
    x: Array, Wt: Array, Wx: Array, bh: Array, Wa: Array, ba: Array, width: int | None = None
) -> tuple[Array, Array, Any]:
    """x (B, C, T), Wt Wx (C, U), bh (U), Wa (U, 1), ba (1) -> y (B, C, T), weights a (B, T, T), cache."""
    x, (B, C, T), U = np.ascontiguousarray(x), x.shape, bh.size
    y, a = np.empty_like(x), np.empty((B, T, T), np.float32)
    q, k, largest = np.empty((B, T, U), np.float32), np.empty((B, T, U), np.float32), np.empty((B, T), np.int64)
    attend(x, Wt, Wx, bh, Wa[:, 0].copy(), ba[0], T if width is None else width, y, a, q, k, largest)
    return y, a, (x, Wt, Wx, Wa, a, q, k, largest)


def attention_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dWt, dWx (C, U), dbh (U), dWa (U, 1), dba (1)."""
    x, Wt, Wx, Wa, a, q, k, largest = cache
    dx = np.empty_like(x)
    dWt, dWx, dbh, dWa, dba = attend_backward(
        np.ascontiguousarray(dy), x, Wt, Wx, Wa[:, 0].copy(), a, q, k, largest, dx
    )
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


@compiled_parallel
def attend(
    x: Array,
    Wt: Array,
    Wx: Array,
    bh: Array,
    Wa: Array,
    ba: np.float32,
    width: int,
    y: Array,
    a: Array,
    q: Array,
    k: Array,
    largest: Array,
) -> None:
    """Fills y (B, C, T), a (B, T, T), q and k (B, T, U), largest (B, T). One sample is one piece of work."""
    B, C, T = x.shape
    U = bh.size
    everything = width >= T
    for n in prange(B):
        q[n], k[n], y[n] = 0, 0, 0
        project(x[n], Wt, q[n])
        project(x[n], Wx, k[n])
        e = np.empty(T, np.float32)
        for t in range(T):
            looking = q[n, t]
            for u in range(U):
                looking[u] += bh[u]
            for s in range(T):
                looked_at, score = k[n, s], np.float32(0)
                for u in range(U):
                    score += tanh(looking[u] + looked_at[u]) * Wa[u]
                e[s] = score + ba
            best = 0
            for s in range(1, T):
                if e[s] > e[best]:
                    best = s
            largest[n, t] = best
            weights, highest, total = a[n, t], e[best], EPS
            first = 0 if everything else max(t - width // 2, 0)
            last = T if everything else min(t - width // 2 + width, T)
            weights[:] = 0
            for s in range(first, last):
                weights[s] = exp(e[s] - highest)
            for s in range(first, last):
                total += weights[s]
            for s in range(first, last):
                weights[s] /= total
            for c in range(C):
                row, value = x[n, c], np.float32(0)
                for s in range(first, last):
                    value += weights[s] * row[s]
                y[n, c, t] = value


@compiled_parallel
def attend_backward(
    dy: Array, x: Array, Wt: Array, Wx: Array, Wa: Array, a: Array, q: Array, k: Array, largest: Array, dx: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Fills dx (B, C, T); returns dWt, dWx (C, U), dbh (U), dWa (U), dba (1), each summed group by group."""
    B, C, T = x.shape
    U = Wa.size
    groups = min(GROUPS, B)
    dWt, dWx = np.zeros((groups, C, U), np.float32), np.zeros((groups, C, U), np.float32)
    dbh, dWa, dba = np.zeros((groups, U), np.float32), np.zeros((groups, U), np.float32), np.zeros((groups, 1), np.float32)
    for group in prange(groups):
        dq, dk, de = np.empty((T, U), np.float32), np.empty((T, U), np.float32), np.empty(T, np.float32)
        dWa_own = dWa[group]
        for n in range(group * B // groups, (group + 1) * B // groups):
            dq[:], dk[:], dx[n] = 0, 0, 0
            for t in range(T):
                weights = a[n, t]
                de[:] = 0
                for c in range(C):
                    arriving, row, leaving = dy[n, c, t], x[n, c], dx[n, c]
                    for s in range(T):
                        de[s] += arriving * row[s]
                        leaving[s] += arriving * weights[s]
                mean = np.float32(0)
                for s in range(T):
                    mean += de[s] * weights[s]
                through_maximum = np.float32(0)
                for s in range(T):
                    de[s] = (de[s] - mean) * weights[s]
                    through_maximum += de[s]
                de[largest[n, t]] -= through_maximum
                looking, dlooking = q[n, t], dq[t]
                for s in range(T):
                    if de[s] != 0:
                        looked_at, dlooked_at, gradient = k[n, s], dk[s], de[s]
                        for u in range(U):
                            h = tanh(looking[u] + looked_at[u])
                            dWa_own[u] += gradient * h
                            dz = gradient * Wa[u] * (np.float32(1) - h * h)
                            dlooking[u] += dz
                            dlooked_at[u] += dz
                        dba[group, 0] += gradient
            for t in range(T):
                for u in range(U):
                    dbh[group, u] += dq[t, u]
            for c in range(C):
                row, leaving = x[n, c], dx[n, c]
                dt, dx_, wt, wx = dWt[group, c], dWx[group, c], Wt[c], Wx[c]
                for t in range(T):
                    total = np.float32(0)
                    for u in range(U):
                        dt[u] += row[t] * dq[t, u]
                        dx_[u] += row[t] * dk[t, u]
                        total += wt[u] * dq[t, u] + wx[u] * dk[t, u]
                    leaving[t] += total
    return dWt.sum(axis=0), dWx.sum(axis=0), dbh.sum(axis=0), dWa.sum(axis=0), dba.sum(axis=0)
