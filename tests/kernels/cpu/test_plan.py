"""The plan of a chain: weights packed right, everything at a place of its own."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.ends import PLAIN, POOL, UNFOLD
from kernels.cpu.plan import (
    CHANNELS,
    LENGTH,
    ROWS_AT,
    kernel_of,
    pack_backward,
    pack_forward,
    places_of,
    stages_of,
    taps_of,
    weights_of,
)
from kernels.cpu.rows import padded_rows, region
from kernels.cpu.tile import ROWS

CHAIN = (POOL, UNFOLD, PLAIN), ((5, 2, 3), (9, 5, 7), (1, 9, 11))


@pytest.mark.parametrize("keep", [True, False])
def test_what_is_needed_together_does_not_overlap(keep):
    places, numbers, passes, work = places_of(CHAIN, (95, 48, 96, 96), keep)
    table, margin = stages_of(*CHAIN)[:2]
    ends = [at + region(C, T, margin) for (T, at, _), C in zip(places, table[:, CHANNELS], strict=False)]
    assert list(places[:, LENGTH]) == [95, 48, 96, 96] and max(ends) <= numbers
    for one in range(3):
        for other in range(one + 1, 3 if keep else min(one + 2, 3)):  # unkept, a stage and the next at least
            assert ends[one] <= places[other, ROWS_AT] or ends[other] <= places[one, ROWS_AT]
    assert passes == (5 * 48 if keep else 0)
    assert work == 95 * 5 * 2 * 3 + 48 * 2 * padded_rows(9) * 5 * 5 + 96 * 9 * 11


def test_every_kernel_has_its_own_place(rng):
    ends, shapes = CHAIN
    Ws = tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes)
    table, weights = stages_of(ends, shapes).table, weights_of(ends, Ws)
    assert np.array_equal(kernel_of(table[0], weights.kernels), Ws[0])
    assert np.array_equal(kernel_of(table[2], weights.kernels), Ws[2])
    folded = kernel_of(table[1], weights.kernels)
    half = padded_rows(9)
    assert folded.shape == (2 * half, 5, 5) and not folded[9:half].any() and not folded[half + 9 :].any()
    assert np.allclose(folded[:9].sum(axis=2), Ws[1].sum(axis=2), atol=1e-5)
    assert np.allclose(folded[half : half + 9].sum(axis=2), Ws[1].sum(axis=2), atol=1e-5)


def packed_blocks(pack, W, rows, channels):
    """Every block of W as `pack` lays it out."""
    packed = np.empty((padded_rows(rows) // ROWS, channels, W.shape[2], ROWS), np.float32)
    for block in range(len(packed)):
        pack(W, block, packed[block])
    return packed


def test_packed_weights(rng):
    W = rng.normal(size=(ROWS + 3, 2, 5)).astype(np.float32)
    unpacked = packed_blocks(pack_forward, W, len(W), 2).transpose(0, 3, 1, 2).reshape(padded_rows(len(W)), 2, 5)
    assert np.array_equal(unpacked[: len(W)], W) and not unpacked[len(W) :].any()

    packed = packed_blocks(pack_backward, W, 2, len(W))
    assert np.array_equal(packed[0, :, :, :2], W[:, :, ::-1].transpose(0, 2, 1)) and not packed[0, :, :, 2:].any()


@pytest.mark.parametrize("K", range(1, 13))
def test_what_folded_taps_leave_out_is_zero(rng, K):
    W = rng.uniform(1, 2, size=(ROWS, 2, K)).astype(np.float32)
    ends, shapes = (UNFOLD,), (W.shape,)
    stage = stages_of(ends, shapes).table[0]
    folded = kernel_of(stage, weights_of(ends, (W,)).kernels)
    for odd in (False, True):
        first, last = taps_of(stage, odd)
        kernels = folded[ROWS:] if odd else folded[:ROWS]
        assert (kernels[:, :, first:last] > 0).all()
        assert not kernels[:, :, :first].any() and not kernels[:, :, last:].any()
