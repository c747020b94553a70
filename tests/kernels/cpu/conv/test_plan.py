"""The plan of a chain: weights packed right, everything at a place of its own."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.conv.epilogue import PLAIN, POOL, RELU
from kernels.cpu.conv.plan import pack_backward, pack_forward, packed_block, plan_of, weight_of, weights_of
from kernels.cpu.conv.rows import padded_rows, region
from kernels.cpu.simd.tile import ROWS

EPILOGUES, SHAPES, LENGTHS = (POOL, RELU, PLAIN), ((5, 2, 3), (9, 5, 7), (1, 9, 11)), (95, 48, 48, 48)


@pytest.mark.parametrize("keep", [True, False])
def test_what_is_needed_together_does_not_overlap(keep):
    stages, margin, numbers, longest, switches, work = plan_of(EPILOGUES, SHAPES, LENGTHS, keep)
    rows = [range(stage.x_at, stage.x_at + region(stage.channels, stage.length, margin)) for stage in stages[:-1]]
    assert tuple(stages["length"]) == LENGTHS and max(own.stop for own in rows) <= numbers
    for one in range(3):
        for other in range(one + 1, 3 if keep else min(one + 2, 3)):  # unkept, a stage and the next at least
            assert rows[one].stop <= rows[other].start or rows[other].stop <= rows[one].start
    assert stages[-1].switches_at == switches == (5 * 48 if keep else 0) and longest == 95
    assert work == 95 * 5 * 2 * 3 + 48 * 9 * 5 * 7 + 48 * 9 * 11


def test_every_stage_has_its_own_place(rng):
    Ws = tuple(rng.normal(size=shape).astype(np.float32) for shape in SHAPES)
    stages, weights = plan_of(EPILOGUES, SHAPES, LENGTHS, True).stages, weights_of(*Ws)
    for stage, W in zip(stages, Ws, strict=False):
        assert np.array_equal(weight_of(stage, weights.flat), W)
        first = packed_block(weights.packed, stage.packed_at, 0, *W.shape[1:])
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
