"""Correlation over rows: the two sums that every convolution is made of.

    correlate             out[o, j] = Σ_c Σ_k W[o, c, k] x[c, j + k]
    correlate_gradient    dW[o, c, k] = Σ_j z[o, j] x[c, j + k]
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..runtime.compile import compiled
from ..simd.tile import (
    COLUMNS,
    LANES,
    ROWS,
    SUMS_STRIDE,
    VECTORS,
    add_sums,
    dot_add,
    outer_add,
    store_tile,
    zero_tile,
)
from .rows import padded_rows

Array = Any

NEARBY = 4  # blocks of filters that are multiplied by a few rows of x while all are in the first-level cache


class FlatRows(NamedTuple):
    """Rows of several windows in a flat array: row r of window n begins at values[start + n · window + r · row]."""

    values: Array
    start: int
    row: int
    window: int


@compiled
def correlate(x: Array, start: int, packed: Array, columns: int, out: Array) -> None:
    """out[o, j] = Σ_c Σ_k W[o, c, k] x[c, start + j + k] for one block of ROWS filters, packed (C, K, ROWS), and
    `columns` columns j, whole tiles."""
    (C, K, _), width, stride = packed.shape, x.shape[1], out.shape[1]
    for j in range(0, columns, COLUMNS):
        tile = zero_tile()
        for c in range(C):
            at, w = c * width + start + j, c * K
            for k in range(K):
                tile = outer_add(tile, packed, (w + k) * ROWS, x, at + k)
        store_tile(tile, out, j, stride)


@compiled
def correlate_gradient(
    z: FlatRows, x: FlatRows, windows: int, count: int, C: int, K: int, sums: Array
) -> None:
    """sums += Σ_n Σ_j z[n][o, j] x[n][c, j + k], `count` numbers j in whole vectors, for C rows of x and K taps.

    z must be zero from `count` to the end of the vector that holds it. `sums` (blocks, tiles, SUMS_STRIDE) holds dW
    tile by tile: ROWS filters and VECTORS of the pairs (c, k) each; `place_of_sum` finds one.
    """
    blocks, tiles, _ = sums.shape
    for first in range(0, blocks, NEARBY):
        for q in range(tiles):
            q0, q1, q2 = VECTORS * q, min(VECTORS * q + 1, C * K - 1), min(VECTORS * q + 2, C * K - 1)
            x0 = x.start + q0 // K * x.row + q0 % K
            x1 = x.start + q1 // K * x.row + q1 % K
            x2 = x.start + q2 // K * x.row + q2 % K
            for block in range(first, min(first + NEARBY, blocks)):
                tile = zero_tile()
                for n in range(windows):
                    at, shift = z.start + n * z.window + block * ROWS * z.row, n * x.window
                    i0, i1, i2 = x0 + shift, x1 + shift, x2 + shift
                    for j in range(0, count, LANES):
                        tile = dot_add(tile, z.values, at + j, z.row, x.values, i0 + j, i1 + j, i2 + j)
                add_sums(tile, sums, (block * tiles + q) * SUMS_STRIDE)


@compiled
def sums_shape(filters: int, pairs: int) -> tuple[int, int, int]:
    """(blocks, tiles, SUMS_STRIDE) of the `sums` of dW for these numbers of filters and of pairs (channel, tap)."""
    return padded_rows(filters) // ROWS, (pairs + VECTORS - 1) // VECTORS, SUMS_STRIDE


@compiled
def place_of_sum(o: int, pair: int, tiles: int) -> int:
    """The index of dW[o, c, k] in the flat `sums` of `correlate_gradient`, pair = c · K + k."""
    return (o // ROWS * tiles + pair // VECTORS) * SUMS_STRIDE + o % ROWS * VECTORS + pair % VECTORS
