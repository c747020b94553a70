"""What is no data: holes, repeated values, dead channels; and what only looks like it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import trace

from minieqt.records.gap import CONSTANT, NO_NUMBER, constant, pieces, repeated
from minieqt.records.left_out import LeftOut
from minieqt.records.span import SECOND


def cut(one):
    left_out = LeftOut()
    return list(pieces(one, left_out)), left_out


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf, 1e20, -1.797e308, None])
def test_holes_in_the_data(hole):
    one = trace(5)
    if hole is None:
        one.data = np.ma.masked_inside(np.arange(500.0), 200, 299)
    else:
        one.data[200:300] = hole
    found, left_out = cut(one)
    assert [len(piece.data) for piece in found] == [200, 200]
    assert found[1].start - found[0].start == 3 * SECOND
    assert left_out.seconds == pytest.approx(0 if hole is None else 1)
    assert {row.reason for row in left_out} == (set() if hole is None else {NO_NUMBER})
    one.data[:] = np.nan if hole is not None else np.ma.masked
    assert cut(one)[0] == []


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_the_largest_counts_are_data(dtype):
    one = trace(5, dtype=dtype)
    one.data[200:210] = [-(2**31), 2**30] * 5
    found, left_out = cut(one)
    assert [len(piece.data) for piece in found] == [500] and not left_out


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
@pytest.mark.parametrize("value", [0, 12345, 0.1, 1234567.891])
def test_a_dead_channel_is_none(dtype, value):
    one = trace(60, dtype=dtype)
    one.data = np.full(6000, value, dtype)
    if dtype == "float64":  # what is left of a constant after some arithmetic
        one.data *= 1 + np.random.default_rng(1).integers(-1, 2, 6000) * np.finfo(float).eps
    found, left_out = cut(one)
    assert found == [] and left_out.seconds == pytest.approx(60)


@pytest.mark.parametrize("fill", ["zero", "last"])
@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_a_filled_interruption_is_a_gap(fill, dtype):
    one = trace(60, dtype=dtype)
    one.data[2000:2500] = 0 if fill == "zero" else one.data[1999]
    found, left_out = cut(one)
    assert [len(piece.data) for piece in found] == [2000 - (fill == "last"), 3500]
    assert [row.reason for row in left_out] == [CONSTANT]


def test_a_coarse_channel_that_is_quiet_keeps_its_data():
    """Steps of one count, a second and more apart: that is how a strong-motion sensor sees a quiet night."""
    rng = np.random.default_rng(1)
    one = trace(600, dtype="int32")
    one.data = np.cumsum((rng.random(60000) < 0.004) * rng.choice([-1, 1], 60000)).astype("int32")
    found, left_out = cut(one)
    assert sum(len(piece.data) for piece in found) == 60000 and not left_out


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 60)), min_size=1, max_size=30), st.integers(2, 40))
@settings(deadline=None)
def test_stretches_of_one_value_against_a_plain_loop(stretches, least):
    data = np.concatenate([np.full(count, value) for value, count in stretches])
    expected, first = [], 0
    for n in range(1, len(data) + 1):
        if n == len(data) or data[n] != data[first]:
            expected += [(first, n)] if n - first >= least else []
            first = n
    assert constant(data, least) == expected


def test_noise_repeats_nothing():
    assert repeated(np.random.default_rng(1).integers(-3, 4, 10**6), 100.0) == []
