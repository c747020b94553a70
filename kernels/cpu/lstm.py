"""Twin of minieqt/layers/lstm.py: LANES sequences go through time side by side, one in each lane of every vector.

A step's weights are in one array, and its inputs in another, so that a step is one product and the gates:

    z_t = [W U b] · [x_t · m_x, h_{t-1} · m_h, 1]        (4H, C + H + 1) · (C + H + 1, LANES)

Backward multiplies dz_t by the same weights, and sums dz_t times the same inputs over time into their gradients.
Lanes without a sequence have masks of zero. Each direction of LANES sequences is a piece of work.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from .conv.rows import round_up
from .runtime.compile import compiled, compiled_parallel
from .runtime.packed import packed
from .simd.elementary import sigmoid, tanh
from .simd.tile import (
    LANES,
    ROWS,
    SUMS_STRIDE,
    TALL,
    VECTORS,
    add_sums,
    dot_add,
    outer_add,
    store_tile,
    zero_tall_tile,
    zero_tile,
)

Array = Any

ONE = np.float32(1)


class Kept(NamedTuple):
    """What forward keeps, in each direction's own time and padded, (D, items, …) or of one item of LANES sequences."""

    masks: Array  # (C + H, LANES)
    inputs: Array  # (T + 1, C + H + 1, LANES)
    gates: Array  # (T, 4H, LANES)
    c: Array  # (T + 1, H, LANES)


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
    x, (B, C, T), (D, _, H) = np.ascontiguousarray(x), x.shape, U.shape
    weights, tiles = packed(side_by_side, W, U, b)
    items = -(-B // LANES)
    masks = np.zeros((D, items * LANES, C + H), np.float32)
    masks[:, :B, :C] = 1 if input_mask is None else input_mask
    masks[:, :B, C:] = 1 if state_mask is None else state_mask
    masks = np.ascontiguousarray(masks.reshape(D, items, LANES, C + H).transpose(0, 1, 3, 2))
    inputs = np.empty((D, items, T + 1, round_up(C + H + 1, VECTORS), LANES), np.float32)
    gates, c = (np.empty((D, items, *shape, LANES), np.float32) for shape in ((T, round_up(4 * H, TALL)), (T + 1, H)))
    y = np.empty((B, D * H, T), np.float32)
    kept, hard = Kept(masks, inputs, gates, c), gate == "hard_sigmoid"
    run(x, tiles, kept, hard, y)
    return y, (x.shape, weights, kept, hard)


def lstm_backward(dh: Array, cache: Any) -> tuple[Array, Array, Array, Array]:
    """dh (B, D·H, T) -> dx (B, C, T), dW (D, 4H, C), dU (D, 4H, H), db (D, 4H)."""
    (B, C, T), weights, kept, hard = cache
    (D, items), (_, H4, K) = kept.masks.shape[:2], weights.shape
    dx = np.empty((D, B, C, T), np.float32)
    sums = np.zeros((D, items, -(-H4 // ROWS), -(-K // VECTORS), SUMS_STRIDE), np.float32)
    hand_down = in_tiles(weights[:, :, :-1].transpose(0, 2, 1))
    run_backward(np.ascontiguousarray(dh), hand_down, kept, hard, dx, sums)
    by_tile = sums.sum(axis=1)[..., : ROWS * VECTORS].reshape(D, *sums.shape[2:4], ROWS, VECTORS)
    dweights = by_tile.transpose(0, 1, 3, 2, 4).reshape(D, sums.shape[2] * ROWS, -1)[:, :H4]
    return dx.sum(axis=0), dweights[:, :, :C], dweights[:, :, C : K - 1], dweights[:, :, K - 1]


def side_by_side(W: Array, U: Array, b: Array) -> tuple[Array, Array]:
    """All weights of z_t: [W U b] (D, 4H, C + H + 1), and the same in tiles."""
    weights = np.concatenate([W, U, b[:, :, None]], axis=2)
    return weights, in_tiles(weights)


def in_tiles(weights: Array) -> Array:
    """weights (D, O, K) -> (D, ⌈O / TALL⌉, K, TALL): a tile's weights side by side, zeros for absent rows."""
    D, O, K = weights.shape
    padded = np.zeros((D, round_up(O, TALL), K), np.float32)
    padded[:, :O] = weights
    return np.ascontiguousarray(padded.reshape(D, -1, TALL, K).transpose(0, 1, 3, 2))


@compiled
def multiply(weights: Array, inputs: Array, out: Array) -> None:
    """out (O, LANES) = the product of weights (O / TALL, K, TALL) and inputs (K or more, LANES)."""
    blocks, K, _ = weights.shape
    for block in range(blocks):
        tile = zero_tall_tile()
        for k in range(K):
            tile = outer_add(tile, weights, (block * K + k) * TALL, inputs, k * LANES)
        store_tile(tile, out, block * TALL * LANES, LANES)


@compiled
def squash(z: Array, hard: bool) -> None:
    """z = the gate function of z, in place."""
    if hard:
        for k in range(z.size):
            z[k] = min(max(np.float32(0.2) * z[k] + np.float32(0.5), np.float32(0)), ONE)
    else:
        for k in range(z.size):
            z[k] = sigmoid(z[k])


@compiled
def run_one(x: Array, weights: Array, kept: Kept, hard: bool, reverse: bool, y: Array) -> None:
    """At most LANES sequences through time: x (N, C, T) -> what is kept, and y (N, H, T) in x's time."""
    masks, inputs, gates, c = kept
    (N, C, T), H = x.shape, c.shape[1]
    inputs[:] = 0
    inputs[:, C + H] = 1
    c[0] = 0
    size = H * LANES
    h, state_mask = np.empty((H, LANES), np.float32), masks[C:].reshape(-1)
    h_flat = h.reshape(-1)
    for step in range(T):
        t = T - 1 - step if reverse else step
        for k in range(C):
            for n in range(N):
                inputs[step, k, n] = x[n, k, t] * masks[k, n]
        multiply(weights, inputs[step], gates[step])
        g, before, after = gates[step].reshape(-1), c[step].reshape(-1), c[step + 1].reshape(-1)
        i, f, candidate, o = g[:size], g[size : 2 * size], g[2 * size : 3 * size], g[3 * size : 4 * size]
        squash(g[: 2 * size], hard)
        squash(o, hard)
        for k in range(size):
            candidate[k] = tanh(candidate[k])
        for k in range(size):
            after[k] = f[k] * before[k] + i[k] * candidate[k]
        for k in range(size):
            h_flat[k] = o[k] * tanh(after[k])
        state = inputs[step + 1, C : C + H].reshape(-1)
        for k in range(size):
            state[k] = h_flat[k] * state_mask[k]
        for k in range(H):
            for n in range(N):
                y[n, k, t] = h[k, n]


@compiled
def of_item(kept: Kept, d: int, p: int) -> Kept:
    """What is kept of one direction of LANES sequences."""
    return Kept(kept.masks[d, p], kept.inputs[d, p], kept.gates[d, p], kept.c[d, p])


@compiled_parallel
def run(x: Array, weights: Array, kept: Kept, hard: bool, y: Array) -> None:
    """`run_one` for both directions of all sequences: x (B, C, T), weights (D, 4H / TALL, C + H + 1, TALL),
    y (B, D·H, T)."""
    D, items, H = kept.c.shape[0], kept.c.shape[1], kept.c.shape[3]
    for item in prange(D * items):
        d, p = item // items, item % items
        first, last = p * LANES, min((p + 1) * LANES, x.shape[0])
        run_one(x[first:last], weights[d], of_item(kept, d, p), hard, d == 1, y[first:last, d * H : (d + 1) * H])


@compiled
def slope(g: np.float32, hard: bool) -> np.float32:
    """The derivative of the gate function, from its value."""
    if hard:
        return np.float32(0.2) if (g > 0) and (g < 1) else np.float32(0)
    return g * (ONE - g)


@compiled
def gate_gradients(
    dh: Array, dc: Array, g: Array, before: Array, after: Array, hard: bool, squashed: Array, dz: Array
) -> None:
    """One step, all flat: dh (n) and dc (n) of its h and c, gates g (4n), c before and after it (n) -> dz (4n), and dc
    of the step before, in place. Loops of one line each, which LLVM vectorises; `squashed` (n) is scratch."""
    n = dh.size
    i, f, candidate, o = g[:n], g[n : 2 * n], g[2 * n : 3 * n], g[3 * n : 4 * n]
    di, df, dcandidate, do = dz[:n], dz[n : 2 * n], dz[2 * n : 3 * n], dz[3 * n : 4 * n]
    for k in range(n):
        squashed[k] = tanh(after[k])
    for k in range(n):
        dc[k] += dh[k] * o[k] * (ONE - squashed[k] * squashed[k])
    for k in range(n):
        di[k] = dc[k] * candidate[k] * slope(i[k], hard)
    for k in range(n):
        df[k] = dc[k] * before[k] * slope(f[k], hard)
    for k in range(n):
        dcandidate[k] = dc[k] * i[k] * (ONE - candidate[k] * candidate[k])
    for k in range(n):
        do[k] = dh[k] * squashed[k] * slope(o[k], hard)
    for k in range(n):
        dc[k] *= f[k]


@compiled
def run_one_backward(
    dh: Array, hand_down: Array, kept: Kept, hard: bool, reverse: bool, dx: Array, sums: Array
) -> None:
    """At most LANES sequences back through time: dh (N, H, T) -> dx (N, C, T), adds to the weights' gradient `sums`."""
    masks, inputs, gates, c = kept
    (N, C, T), H = dx.shape, c.shape[1]
    dz = np.zeros(gates.shape, np.float32)
    dinputs = np.zeros((hand_down.shape[0] * TALL, LANES), np.float32)
    dc, squashed = np.zeros(H * LANES, np.float32), np.empty(H * LANES, np.float32)
    down, mask = dinputs[: C + H].reshape(-1), masks.reshape(-1)
    arriving = dinputs[C : C + H]  # dh from step t + 1, to which dh from above is added
    for step in range(T - 1, -1, -1):
        t = T - 1 - step if reverse else step
        for k in range(H):
            for n in range(N):
                arriving[k, n] += dh[n, k, t]
        g, before, after = gates[step].reshape(-1), c[step].reshape(-1), c[step + 1].reshape(-1)
        gate_gradients(arriving.reshape(-1), dc, g, before, after, hard, squashed, dz[step].reshape(-1))
        multiply(hand_down, dz[step], dinputs)
        for k in range(down.size):
            down[k] *= mask[k]
        for k in range(C):
            for n in range(N):
                dx[n, k, t] = dinputs[k, n]
    weight_gradient(dz, inputs, sums)


@compiled
def weight_gradient(dz: Array, inputs: Array, sums: Array) -> None:
    """sums += Σ_t dz_t inputs_tᵀ for dz (T, O, LANES), inputs (T or more, K, LANES), both padded; `sums` (O / ROWS,
    K / VECTORS, SUMS_STRIDE) tile by tile."""
    blocks, tiles, _ = sums.shape
    T, O, K = dz.shape[0], dz.shape[1], inputs.shape[1]
    for block in range(blocks):
        for q in range(tiles):
            tile = zero_tile()
            for t in range(T):
                z, x = (t * O + block * ROWS) * LANES, (t * K + q * VECTORS) * LANES
                tile = dot_add(tile, dz, z, LANES, inputs, x, x + LANES, x + 2 * LANES)
            add_sums(tile, sums, (block * tiles + q) * SUMS_STRIDE)


@compiled_parallel
def run_backward(dh: Array, hand_down: Array, kept: Kept, hard: bool, dx: Array, sums: Array) -> None:
    """`run_one_backward` for both directions of all sequences: dh (B, D·H, T), dx (D, B, C, T), sums (D, items, …)."""
    D, items, H = kept.c.shape[0], kept.c.shape[1], kept.c.shape[3]
    for item in prange(D * items):
        d, p = item // items, item % items
        first, last = p * LANES, min((p + 1) * LANES, dh.shape[0])
        own_dh, own_dx = dh[first:last, d * H : (d + 1) * H], dx[d, first:last]
        run_one_backward(own_dh, hand_down[d], of_item(kept, d, p), hard, d == 1, own_dx, sums[d, p])
