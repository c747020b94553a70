"""How sequences are cut: every sample in one piece, pieces that do not touch, and weights packed right."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kernels.cpu.strip import clear_outside, fill, layout, new_strip, pack_backward, pack_forward, padded_rows
from kernels.cpu.tile import COLUMNS, ROWS


@given(st.integers(1, 300), st.integers(1, 7000), st.integers(1, 11))
def test_layout(B, T, K):
    piece, stride, per_sequence, per_strip, columns = layout(np.empty((B, 1, T), np.float32), K)
    assert piece * per_sequence >= T > piece * (per_sequence - 1)  # every sample in one piece, no empty piece
    assert stride + (K - 1) // 2 >= piece + K - 1  # a kernel at a piece's end reads nothing of the next but its zeros
    assert columns % COLUMNS == 0 and columns >= (per_strip - 1) * stride + piece
    assert per_sequence == 1 or (piece % COLUMNS == 0 and piece % 2 == 0)  # whole tiles, whole pooled pairs
    assert per_sequence == 1 or per_strip == 1 or per_strip * stride <= 480 + K  # a strip stays small


def test_a_strip_is_zero_and_its_rows_begin_cache_lines():
    strip = new_strip(5, 100)
    assert strip.shape[0] == 5 and strip.shape[1] >= 100 + COLUMNS and not strip.any()
    assert all(row.ctypes.data % 64 == 0 for row in strip)


def test_fill_writes_zeros_for_what_is_outside(rng):
    source = rng.normal(size=(2, 10)).astype(np.float32)
    strip = np.ones((3, 40), np.float32)
    fill(strip, 5, source, -3, 16)
    assert np.array_equal(strip[:2, 8:18], source)
    assert not strip[:2, 5:8].any() and not strip[:2, 18:21].any()
    assert strip[:, :5].all() and strip[:, 21:].all() and strip[2].all()  # the rest is left alone


def test_a_piece_that_lies_outside_as_a_whole():
    strip = np.ones((2, 40), np.float32)
    clear_outside(strip, 16, -9, 5, 20)
    assert not strip[:, 16:21].any() and strip.sum() == 2 * 35


def packed_blocks(pack, W, rows, channels):
    """Every block of W, and its taps, as `pack` lays them out."""
    blocks = padded_rows(rows) // ROWS
    packed, taps = np.empty((blocks, channels, W.shape[2], ROWS), np.float32), np.empty((blocks, 2, 2), np.int64)
    for block in range(blocks):
        pack(W, block, packed[block], taps[block])
    return packed, taps


def test_packed_weights(rng):
    W = rng.normal(size=(ROWS + 3, 2, 5)).astype(np.float32)
    packed, taps = packed_blocks(pack_forward, W, len(W), 2)
    unpacked = packed.transpose(0, 3, 1, 2).reshape(padded_rows(len(W)), 2, 5)
    assert np.array_equal(unpacked[: len(W)], W) and not unpacked[len(W) :].any()
    assert (taps[..., 0] == 0).all() and (taps[..., 1] == 5).all()

    packed, _ = packed_blocks(pack_backward, W, 2, len(W))
    assert np.array_equal(packed[0, :, :, :2], W[:, :, ::-1].transpose(0, 2, 1)) and not packed[0, :, :, 2:].any()


def test_taps_that_are_zero_are_left_out():
    W = np.zeros((2 * ROWS, 2, 5), np.float32)
    W[3, 0, 1:3] = 1
    _, taps = packed_blocks(pack_forward, W, 2 * ROWS, 2)
    assert taps[0, 0].tolist() == [1, 3]
    assert (taps[1, :, 0] == taps[1, :, 1]).all() and taps[0, 1, 0] == taps[0, 1, 1]  # zeros: nothing to multiply
