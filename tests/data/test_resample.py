"""Resampling keeps times and amplitudes, and folds nothing back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minieqt.data.resample import resample, stated_rate, wrong_rate


@settings(max_examples=30, deadline=None)
@given(st.floats(20, 1000), st.floats(0.2, 8), st.floats(-1e4, 1e4))
def test_a_sine_stays_where_it_is(rate, frequency, offset):
    t = np.arange(round(40 * rate)) / rate
    y = resample(np.sin(2 * np.pi * frequency * t)[None] + offset, rate)[0]
    wanted = np.sin(2 * np.pi * frequency * np.arange(len(y)) / 100) + offset
    inner = slice(300, 3600)
    late = 2 * np.pi * frequency * 40 * 5e-5  # rates are rounded to a ratio of whole numbers
    assert np.abs(y - wanted)[inner].max() < 5e-3 + late


def test_100_hz_is_left_as_it_is(rng):
    x = rng.standard_normal((3, 50)).astype(np.float32)
    assert resample(x, 100.0) is x


@pytest.mark.parametrize("kind", ["f2", ">f4", "g", ">i2", "u8"])
def test_whatever_numbers_a_file_holds(rng, kind):
    x = rng.integers(0, 1000, (3, 500))
    np.testing.assert_array_equal(resample(x.astype(kind), 50.0), resample(x.astype(float), 50.0))


@pytest.mark.parametrize("rate, usable", [(100, True), (20, True), (1, True), (0, False), (-1, False), (np.nan, False)])
def test_rates_that_can_be(rate, usable):
    assert (wrong_rate(rate) == "") == usable


@pytest.mark.parametrize(
    "texts, rate",
    [
        (("50", "0.01"), 50),
        (("NA", "0.05"), 20),
        (("", "None"), 40),
        (("-5", ""), -5),
        (("50 Hz", "0.02"), np.nan),
        (("", "0"), np.nan),
        (("nan", "-0.01"), np.nan),
    ],
)
def test_a_rate_that_a_table_states(texts, rate):
    np.testing.assert_equal(stated_rate(*texts, otherwise=40), rate)
