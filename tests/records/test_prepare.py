"""Demeaned, filtered, at 100 Hz."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import trace
from scipy import signal

from minieqt.errors import UserError
from minieqt.records import prepare as prepare_module
from minieqt.records.gap import Piece
from minieqt.records.prepare import check_band, filter_both_ways, prepare


@given(st.floats(20, 10_000), st.floats(1, 20))
@settings(deadline=None, max_examples=60)
def test_any_rate_keeps_times_and_amplitudes(rate, frequency):
    """A sine of any frequency below both Nyquists comes out as itself, wherever edges are not near."""
    frequency = min(frequency, 0.3 * rate)
    seconds = np.arange(round(20 * rate)) / rate
    made = prepare(Piece(7, rate, np.sin(2 * np.pi * frequency * seconds)), None)
    # A ratio p / q, q up to 100, lies within 1 / (101 q) of any number: 1 / (101 p) of it.
    assert made.start == 7 and abs(made.rate / 100 - 1) < 0.01
    assert made.data.dtype == np.float32 and abs(len(made.data) / made.rate - 20) < 0.05
    expected = np.sin(2 * np.pi * frequency * np.arange(len(made.data)) / made.rate)
    middle = slice(300, len(made.data) - 300)
    assert np.abs(made.data - expected)[middle].max() < 0.05


@pytest.mark.parametrize("rate", [20, 25, 40, 50, 62.5, 80, 100, 120, 125, 200, 250, 500, 1000, 5000])
def test_usual_rates_become_exactly_100(rate):
    assert prepare(Piece(0, rate, np.random.default_rng(1).normal(size=1000)), (1, 45)).rate == 100


def test_frequencies_beyond_the_new_rate_do_not_fold():
    seconds = np.arange(250 * 30) / 250
    made = prepare(Piece(0, 250.0, np.sin(2 * np.pi * 80 * seconds)), None)  # would show at 20 Hz
    assert np.abs(made.data[500:-500]).max() < 0.02


def test_band_pass():
    seconds = np.arange(6000) / 100
    slow, good = np.sin(2 * np.pi * 0.1 * seconds), np.sin(2 * np.pi * 10 * seconds)
    made = prepare(Piece(0, 100.0, 5e6 + 100 * slow + good), (1, 45))
    np.testing.assert_allclose(made.data[500:-500], good[500:-500], atol=0.1)
    assert np.abs(made.data).max() < 40  # and no step at the ends


@pytest.mark.parametrize("band", [(45, 1), (0, 45), (np.nan, 45), (1, np.nan), (1, np.inf), (60, 80)])
def test_corners_that_make_no_band_pass(band):
    check_band((1, 45)), check_band((1, 80)), check_band(None)
    with pytest.raises(UserError, match="two rising corners"):
        check_band(band)


def test_band_pass_as_obspy_has_it():
    one = trace(60)
    ours = prepare(Piece(0, 100.0, one.data), (1, 45)).data
    one.detrend("demean").filter("bandpass", freqmin=1, freqmax=45, corners=2, zerophase=True)
    np.testing.assert_allclose(ours[1000:-1000], one.data[1000:-1000], rtol=0, atol=0.5)  # of 1000


@given(st.integers(1, 3000), st.sampled_from([50.0, 100.0, 250.0]), st.sampled_from(["int32", "float32", "float64"]))
@settings(deadline=None, max_examples=40)
def test_blocks_of_the_filter_leave_no_trace(length, rate, dtype):
    """Whatever the blocks, and beside an offset of millions: SciPy's filter of the whole piece in float64."""
    data = (5e6 + 1000 * np.random.default_rng(length).standard_normal(length)).astype(dtype)
    sections = signal.butter(2, (1, 20), "bandpass", fs=rate, output="sos")
    padlen = min(int(rate), length - 1)
    expected = signal.sosfiltfilt(sections, data.astype("float64") - data.mean(dtype="float64"), padlen=padlen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare_module, "BLOCK", 256)
        np.testing.assert_allclose(filter_both_ways(sections, Piece(0, rate, data)), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("length", [1, 2, 3, 50])
@pytest.mark.parametrize("rate", [20.0, 100.0, 250.0])
def test_very_short(length, rate):
    made = prepare(Piece(0, rate, np.arange(length)), (1, 45))
    assert np.isfinite(made.data).all() and len(made.data) >= 1
