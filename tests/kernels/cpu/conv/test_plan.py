"""The plan of a chain: weights packed right, everything at a place of its own."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.conv.epilogue import PLAIN, POOL, RELU
from kernels.cpu.conv.plan import (
    CHANNELS,
    LENGTH,
    PACKED,
    ROWS_AT,
    pack_backward,
    pack_forward,
    packed_block,
    places_of,
    stages_of,
    weight_of,
    weights_of,
)
from kernels.cpu.conv.rows import padded_rows, region
from kernels.cpu.simd.tile import ROWS

CHAIN = (POOL, RELU, PLAIN), ((5, 2, 3), (9, 5, 7), (1, 9, 11))


@pytest.mark.parametrize("keep", [True, False])
def test_what_is_needed_together_does_not_overlap(keep):
    places, numbers, passes, work = places_of(CHAIN, (95, 48, 48, 48), keep)
    table, margin = stages_of(*CHAIN)[:2]
    ends = [at + region(C, T, margin) for (T, at, _), C in zip(places, table[:, CHANNELS], strict=False)]
    assert list(places[:, LENGTH]) == [95, 48, 48, 48] and max(ends) <= numbers
    for one in range(3):
        for other in range(one + 1, 3 if keep else min(one + 2, 3)):  # unkept, a stage and the next at least
            assert ends[one] <= places[other, ROWS_AT] or ends[other] <= places[one, ROWS_AT]
    assert passes == (5 * 48 if keep else 0)
    assert work == 95 * 5 * 2 * 3 + 48 * 9 * 5 * 7 + 48 * 9 * 11


def test_every_stage_has_its_own_place(rng):
    Ws = tuple(rng.normal(size=shape).astype(np.float32) for shape in CHAIN[1])
    table, weights = stages_of(*CHAIN).table, weights_of(*Ws)
    for stage, W in zip(table, Ws, strict=True):
        assert np.array_equal(weight_of(stage, weights.flat), W)
        first = packed_block(weights.packed, stage[PACKED], 0, *W.shape[1:])
        assert np.array_equal(first[..., : len(W)], W[:ROWS].transpose(1, 2, 0))


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
