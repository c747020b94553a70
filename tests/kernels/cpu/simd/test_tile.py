"""The register tile: what compiled code does with it against the NumPy that stands beside it."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from kernels.cpu.simd.tile import (
    COLUMNS,
    LANES,
    ROWS,
    SUMS_STRIDE,
    TALL,
    VECTORS,
    add_sums,
    dot_add,
    numbers,
    outer_add,
    store_tile,
    zero_tall_tile,
    zero_tile,
)


def outer(w, x, out):
    tile = zero_tile()
    for j in range(3):
        tile = outer_add(tile, w, j * ROWS, x, j)
    store_tile(tile, out, 2, out.shape[1])


def tall_outer(w, x, out):
    tile = zero_tall_tile()
    for j in range(3):
        tile = outer_add(tile, w, j * TALL, x, j)
    store_tile(tile, out, 2, out.shape[1])


def dots(z, x, sums):
    tile = zero_tile()
    for j in range(0, 2 * LANES, LANES):
        tile = dot_add(tile, z, j, z.shape[1], x, j, j + 3, j + 7)
    add_sums(tile, sums, SUMS_STRIDE)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("product", "rows", "columns"), [(outer, ROWS, COLUMNS), (tall_outer, TALL, LANES)])
def test_outer_products(rng, compiled, product, rows, columns):
    w = rng.normal(size=(3, rows)).astype(np.float32)
    x = rng.normal(size=columns + 3).astype(np.float32)
    out = np.full((rows, columns + 4), 7, np.float32)
    (njit(product) if compiled else product)(w, x, out)
    expected = sum(w[j][:, None] * x[j : j + columns] for j in range(3))
    np.testing.assert_allclose(out[:, 2:-2], expected, rtol=1e-5, atol=1e-5)
    assert (out[:, :2] == 7).all() and (out[:, -2:] == 7).all()  # nothing but the tile was written


def test_numbers_beyond_a_view_are_its_owners():
    owner = np.arange(12, dtype=np.float32)
    found = numbers(owner[2:8].reshape(2, 3), 4, 8)
    np.testing.assert_array_equal(found, [6, 7, 8, 9, 10, 11, np.nan, np.nan])


@pytest.mark.parametrize("compiled", [False, True])
def test_dot_products(rng, compiled):
    z = rng.normal(size=(ROWS, 2 * LANES)).astype(np.float32)
    x = rng.normal(size=2 * LANES + 7).astype(np.float32)
    sums = np.ones(2 * SUMS_STRIDE, np.float32)
    (njit(dots) if compiled else dots)(z, x, sums)
    expected = 1 + np.stack([z @ x[shift : shift + 2 * LANES] for shift in (0, 3, 7)], axis=1)
    found = sums[SUMS_STRIDE : SUMS_STRIDE + ROWS * VECTORS].reshape(ROWS, VECTORS)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert (sums[:SUMS_STRIDE] == 1).all()
