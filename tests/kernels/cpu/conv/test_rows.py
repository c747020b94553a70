"""Padded rows: where a sample stands, zeros around it, and how a row is cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kernels.cpu.conv.rows import (
    SEGMENT,
    clear_outside,
    copy_in,
    margin_for,
    piece_length,
    region,
    room,
    rows_at,
    scratch,
)
from kernels.cpu.simd.tile import COLUMNS, LANES


@given(st.integers(1, 7000), st.sampled_from([COLUMNS, 2 * COLUMNS]), st.integers(1, 64))
def test_pieces(T, unit, parts):
    length = piece_length(T, unit, parts)
    assert length % unit == 0 and length % 2 == 0  # whole tiles, whole pooled pairs
    assert length < SEGMENT + unit
    assert length < T / parts + unit  # every part of the work gets its share, but for the last tile


@given(st.integers(1, 4), st.integers(1, 500), st.integers(1, 30), st.integers(0, 50))
def test_zeros_around_every_row(C, T, K, at):
    margin = margin_for(K)
    assert margin >= K - 1 + LANES
    x = np.arange(1, C * T + 1, dtype=np.float32).reshape(C, T)
    values = np.full(at + room(C, T, margin), 7, np.float32)
    copy_in(x, values, at, margin)
    assert np.array_equal(rows_at(values, at, C, T, margin)[:, margin:], x)
    used = values[at : at + region(C, T, margin)]
    assert used.sum(dtype=np.float64) == x.sum(dtype=np.float64)  # all else is zero
    assert not used[:margin].any() and not used[-margin:].any()
    assert (values[:at] == 7).all() and (values[at + used.size :] == 7).all()  # the rest is left alone


def test_rows_of_scratch_begin_cache_lines():
    memory = scratch(5, 100)
    assert memory.shape[0] == 5 and memory.shape[1] >= 100 + COLUMNS
    assert all(row.ctypes.data % 64 == 0 for row in memory)


def test_a_piece_that_lies_outside_as_a_whole():
    rows = np.ones((2, 40), np.float32)
    clear_outside(rows, 16, -9, 5, 20)
    assert not rows[:, 16:21].any() and rows.sum() == 2 * 35


def test_zeros_where_a_piece_lies_outside():
    rows = np.ones((2, 40), np.float32)
    clear_outside(rows, 5, -3, 16, 10)
    assert not rows[:, 5:8].any() and not rows[:, 18:21].any() and rows.sum() == 2 * 34
