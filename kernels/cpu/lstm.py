"""Twin of minieqt/layers/lstm.py: a whole sequence in one call, every sequence and direction a piece of work.

The input product for all steps is a convolution of kernel 1. The loop over time then touches one sequence's state only,
which never leaves the first-level cache: 4H sums over H numbers a step, and the gates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.compile import compiled, compiled_parallel
from kernels.cpu.conv1d import conv1d_backward, conv1d_forward
from kernels.cpu.elementary import sigmoid, tanh
from kernels.cpu.strip import GROUPS

Array = Any


def lstm_forward(
    x: Array,
    W: Array,
    U: Array,
    b: Array,
    input_mask: Array | None = None,
    state_mask: Array | None = None,
    gate: str = "sigmoid",
) -> tuple[Array, Any]:
    """x (B, C, T), W (D, 4H, C), U (D, 4H, H), b (D, 4H), masks (D, B, C), (D, B, H) -> h (B, D·H, T), cache."""
    (B, _, T), (D, _, H) = x.shape, U.shape
    z, input_caches = np.empty((D, B, 4 * H, T), np.float32), []
    for d in range(D):
        dropped = x if input_mask is None else x * input_mask[d, :, :, None]
        z[d], input_cache = conv1d_forward(dropped, W[d, :, :, None], b[d])
        input_caches.append(input_cache)
    factors = np.ones((D, B, H), np.float32) if state_mask is None else np.ascontiguousarray(state_mask)
    y = np.empty((B, D * H, T), np.float32)
    gates, c, h = (np.empty((D, B, T + extra, width), np.float32) for extra, width in ((0, 4 * H), (1, H), (1, H)))
    run(z, np.ascontiguousarray(U.transpose(0, 2, 1)), factors, gate == "hard_sigmoid", gates, c, h, y)
    return y, (input_caches, U, input_mask, factors, gate, gates, c, h)


def lstm_backward(dh: Array, cache: Any) -> tuple[Array, Array, Array, Array]:
    """dh (B, D·H, T) -> dx (B, C, T), dW (D, 4H, C), dU (D, 4H, H), db (D, 4H)."""
    input_caches, U, input_mask, factors, gate, gates, c, h = cache
    D, B, T, H4 = gates.shape
    dz, dU = np.empty((D, B, H4, T), np.float32), np.zeros((min(GROUPS, B), *U.shape), np.float32)
    hard = gate == "hard_sigmoid"
    run_backward(np.ascontiguousarray(dh), np.ascontiguousarray(U), factors, hard, gates, c, h, dz, dU)
    dx, dW, db = [], [], []
    for d in range(D):
        dx_d, dW_d, db_d = conv1d_backward(dz[d], input_caches[d])
        dx.append(dx_d if input_mask is None else dx_d * input_mask[d, :, :, None])
        dW.append(dW_d[:, :, 0])
        db.append(db_d)
    return sum(dx[1:], start=dx[0]), np.stack(dW), dU.sum(axis=0), np.stack(db)


@compiled
def squash(z: Array, hard: bool, into: Array) -> None:
    """into = the gate function of z, both (count,)."""
    if hard:
        for k in range(z.size):
            into[k] = min(max(np.float32(0.2) * z[k] + np.float32(0.5), np.float32(0)), np.float32(1))
    else:
        for k in range(z.size):
            into[k] = sigmoid(z[k])


@compiled
def run_one(
    z: Array, Ut: Array, factors: Array, hard: bool, reverse: bool, gates: Array, c: Array, h: Array, y: Array
) -> None:
    """One sequence through time: z (4H, T), Ut (H, 4H), factors (H) -> gates (T, 4H), c and h (T + 1, H), y (H, T)."""
    H4, T = z.shape
    H = H4 // 4
    sums = np.empty(H4, np.float32)
    c[0] = 0
    h[0] = 0
    for step in range(T):
        t = T - 1 - step if reverse else step
        for k in range(H4):
            sums[k] = z[k, t]
        for j in range(H):
            state, row = h[step, j] * factors[j], Ut[j]
            for k in range(H4):
                sums[k] += state * row[k]
        g, before, after, out = gates[step], c[step], c[step + 1], h[step + 1]
        squash(sums[: 2 * H], hard, g[: 2 * H])
        squash(sums[3 * H :], hard, g[3 * H :])
        for k in range(2 * H, 3 * H):
            g[k] = tanh(sums[k])
        for j in range(H):
            after[j] = g[H + j] * before[j] + g[j] * g[2 * H + j]
            out[j] = g[3 * H + j] * tanh(after[j])
        for j in range(H):
            y[j, t] = out[j]


@compiled_parallel
def run(z: Array, Ut: Array, factors: Array, hard: bool, gates: Array, c: Array, h: Array, y: Array) -> None:
    """`run_one` for each of D directions of B sequences: z (D, B, 4H, T) the input products, Ut (D, H, 4H), factors
    (D, B, H), gates (D, B, T, 4H), c and h (D, B, T + 1, H) in a direction's own time, y (B, D·H, T) in x's."""
    D, B, H = factors.shape
    for item in prange(D * B):
        d, n = item // B, item % B
        run_one(
            z[d, n], Ut[d], factors[d, n], hard, d == 1, gates[d, n], c[d, n], h[d, n], y[n, d * H : (d + 1) * H]
        )


@compiled
def slope(g: np.float32, hard: bool) -> np.float32:
    """The derivative of the gate function, from its value."""
    if hard:
        return np.float32(0.2) if (g > 0) and (g < 1) else np.float32(0)
    return g * (np.float32(1) - g)


@compiled
def run_one_backward(
    dh: Array,
    U: Array,
    factors: Array,
    hard: bool,
    reverse: bool,
    gates: Array,
    c: Array,
    h: Array,
    dz: Array,
    dU: Array,
) -> None:
    """One sequence back through time: dh (H, T) in the sequence's time; fills dz (4H, T), adds to dU (4H, H)."""
    T, H4 = gates.shape
    H = H4 // 4
    one = np.float32(1)
    # What step t + 1 hands down: to h, to c.
    arriving, dcell, dz_step = np.zeros(H, np.float32), np.zeros(H, np.float32), np.empty(H4, np.float32)
    for step in range(T - 1, -1, -1):
        t = T - 1 - step if reverse else step
        g, cell, before, state = gates[step], c[step + 1], c[step], h[step]
        for j in range(H):
            arriving[j] += dh[j, t]
        for j in range(H):
            i, f, candidate, o = g[j], g[H + j], g[2 * H + j], g[3 * H + j]
            squashed = tanh(cell[j])
            dc = arriving[j] * o * (one - squashed * squashed) + dcell[j]
            dz_step[j] = dc * candidate * slope(i, hard)
            dz_step[H + j] = dc * before[j] * slope(f, hard)
            dz_step[2 * H + j] = dc * i * (one - candidate * candidate)
            dz_step[3 * H + j] = arriving[j] * squashed * slope(o, hard)
            dcell[j] = dc * f
        arriving[:] = 0
        for k in range(H4):
            row, part, gradient = U[k], dU[k], dz_step[k]
            for j in range(H):
                arriving[j] += gradient * row[j]
                part[j] += gradient * state[j] * factors[j]
            dz[k, t] = gradient
        for j in range(H):
            arriving[j] *= factors[j]


@compiled_parallel
def run_backward(
    dh: Array, U: Array, factors: Array, hard: bool, gates: Array, c: Array, h: Array, dz: Array, dU: Array
) -> None:
    """`run_one_backward` for each of D directions of B sequences; dU (groups, D, 4H, H) is summed group by group."""
    D, B, H = factors.shape
    groups = dU.shape[0]
    for item in prange(D * groups):
        d, group = item // groups, item % groups
        for n in range(group * B // groups, (group + 1) * B // groups):
            own = dh[n, d * H : (d + 1) * H]
            run_one_backward(
                own, U[d], factors[d, n], hard, d == 1, gates[d, n], c[d, n], h[d, n], dz[d, n], dU[group, d]
            )
