"""Correlation over padded rows: the two sums that every convolution is made of.

    correlate             out[o, j] = Σ_c Σ_k W[o, c, k] x[c, j + k]
    correlate_gradient    dW[o, c, k] = Σ_j z[o, j] x[c, j + k]
"""

from __future__ import annotations

from typing import Any

from kernels.cpu.compile import compiled
from kernels.cpu.tile import (
    COLUMNS,
    LANES,
    ROWS,
    SUMS_STRIDE,
    VECTORS,
    WIDE,
    add_sums,
    dot_add,
    outer_add,
    store_tile,
    zero_tile,
    zero_wide_tile,
)

Array = Any


@compiled
def correlate(x: Array, start: int, packed: Array, taps: Array, columns: int, out: Array, row: int) -> None:
    """out[row + o, j] = Σ_c Σ_k W[o, c, k] x[c, start + j + k] for one block of ROWS filters, packed (C, K, ROWS), and
    so many columns, whole tiles; only the taps from taps[half, 0] to taps[half, 1] of each half of x's rows."""
    (C, K, _), width, stride = packed.shape, x.shape[1], out.shape[1]
    for j in range(0, columns, COLUMNS):
        tile = zero_tile()
        for half in range(2):
            for c in range(half * C // 2, (half + 1) * C // 2):
                at, w = c * width + start + j, c * K
                for k in range(taps[half, 0], taps[half, 1]):
                    tile = outer_add(tile, packed, (w + k) * ROWS, x, at + k)
        store_tile(tile, out, row * stride + j, stride)


@compiled
def correlate_few(x: Array, start: int, W: Array, columns: int, out: Array) -> None:
    """The same for a few filters W (O, C, K) as they are, a wide tile of each at a time; whole wide tiles."""
    (O, C, K), width, stride = W.shape, x.shape[1], out.shape[1]
    for o in range(O):
        for j in range(0, columns, WIDE):
            tile = zero_wide_tile()
            for c in range(C):
                for k in range(K):
                    tile = outer_add(tile, W, (o * C + c) * K + k, x, c * width + start + j + k)
            store_tile(tile, out, o * stride + j, stride)


@compiled
def correlate_gradient(z: Array, first: int, last: int, x: Array, C: int, start: int, K: int, sums: Array) -> None:
    """sums += Σ_j z[o, j] x[c, start + j - first + k], j from `first` to `last` in whole vectors, for C rows of x.

    z (padded rows, columns) must be zero from `last` to the end of the vector that holds it. `sums` (blocks, tiles,
    SUMS_STRIDE) holds dW tile by tile: ROWS filters and VECTORS of the C·K pairs (c, k) each; `place_of_sum` finds one.
    """
    blocks, tiles, _ = sums.shape
    width, columns, last_pair = x.shape[1], z.shape[1], C * K - 1
    for block in range(blocks):
        for q in range(tiles):
            q0, q1, q2 = VECTORS * q, min(VECTORS * q + 1, last_pair), min(VECTORS * q + 2, last_pair)
            x0 = q0 // K * width + q0 % K + start
            x1 = q1 // K * width + q1 % K + start
            x2 = q2 // K * width + q2 % K + start
            tile = zero_tile()
            for j in range(0, last - first, LANES):
                tile = dot_add(tile, z, block * ROWS * columns + first + j, columns, x, x0 + j, x1 + j, x2 + j)
            add_sums(tile, sums, (block * tiles + q) * SUMS_STRIDE)


@compiled
def place_of_sum(o: int, pair: int, tiles: int) -> int:
    """Where dW[o, c, k], pair = c · K + k, stands in the flat `sums` of `correlate_gradient`."""
    return (o // ROWS * tiles + pair // VECTORS) * SUMS_STRIDE + o % ROWS * VECTORS + pair % VECTORS
