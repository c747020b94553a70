"""One time base for all channels, whatever their rates and clocks: no sample is more than half a sample off."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import Stream, Trace
from records import START

from minieqt.records.channel import Instrument
from minieqt.records.clock import interpolate, on_clock
from minieqt.records.gap import Piece
from minieqt.records.left_out import LeftOut
from minieqt.records.segment import segments
from minieqt.records.serve import group
from minieqt.records.span import SECOND

SECONDS = 600


def motion(seconds):
    """The ground's motion at any time (s): sines below 20 Hz whose sum repeats nowhere."""
    rng = np.random.default_rng(7)
    waves = zip(rng.uniform(1, 20, 12), rng.uniform(0, 6, 12), strict=True)
    return sum(np.sin(2 * np.pi * f * seconds + phase) for f, phase in waves)


def channel(code, rate=100.0, late=0.0, cuts=(), drift=0.0, order=None):
    """A channel that was digitised `rate` times a second from `late` seconds on, stored in pieces. Each piece's start
    is right; its header says `rate` (1 + drift)."""
    edges = [0, *sorted(cuts), round((SECONDS - 1) * rate)]
    found = []
    for first, last in pairwise(edges):
        header = {"network": "XX", "station": "ABC", "channel": code, "sampling_rate": rate * (1 + drift)}
        data = motion(late + np.arange(first, last) / rate)
        found.append(Trace(data, header | {"starttime": START + late + first / rate}))
    if order is not None:
        order.shuffle(found)
    return found


def check(stream, tolerance=0.05):
    groups = group(stream, LeftOut())
    (segment,) = segments(groups[Instrument("XX", "ABC", "", "HH")], None)
    assert segment.rate == 100
    expected = motion((segment.start - START.ns) / SECOND + np.arange(segment.x.shape[1]) / 100)
    inner = slice(1000, segment.x.shape[1] - 1000)
    for row in segment.x:
        # A shift of half a sample changes the motion by its steepest slope times that, and no more.
        slope = np.abs(np.gradient(expected, 0.01)).max()
        assert np.abs(row - expected)[inner].max() <= 0.005 * slope + tolerance * np.abs(expected).max()
        # Half a sample late is as near to the sample before as to the one after.
        errors = {k: np.abs(np.roll(row, k) - expected)[inner].mean() for k in range(-3, 4)}
        assert errors[0] <= 1.01 * min(errors.values())


rates = st.floats(99.9, 100.1) | st.sampled_from([100.0, 99.99, 99.999, 50.0, 200.0, 250.0, 1000.0])


@given(st.lists(rates, min_size=3, max_size=3), st.lists(st.floats(0, 0.02), min_size=3, max_size=3))
@settings(deadline=None, max_examples=12)
def test_components_of_any_rate_and_start(three, late):
    codes = ("HHE", "HHN", "HHZ")
    check(Stream([one for code, rate, t in zip(codes, three, late, strict=True) for one in channel(code, rate, t)]))


@given(
    st.lists(st.integers(1, 59000), max_size=8, unique=True),
    st.floats(-1e-3, 1e-3),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=12)
def test_pieces_of_any_length_order_and_rate(cuts, off, order):
    stream = Stream(
        channel("HHZ") + channel("HHE", 100 * (1 + off), cuts=cuts, order=order) + channel("HHN", cuts=cuts)
    )
    check(stream)


def test_a_clock_that_drifts_is_followed():
    """The header's rate is wrong by 1e-4; a start is given every 20 s, as records have it."""
    stream = Stream(channel("HHZ") + channel("HHN"))
    stream += Stream(channel("HHE", 99.99, cuts=range(2000, 59000, 2000), drift=1e-4))
    check(stream)


def test_what_is_in_place_stays_as_it_is():
    data = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    at, y = on_clock(Piece(START.ns + 123 * SECOND // 100 + 4_000_000, 100.0, data), START.ns)
    assert at == 123 and y is data
    at, y = on_clock(
        Piece(START.ns, 100.0, data, anchors=[(0, START.ns), (1000, START.ns + 10 * SECOND + 4 * 10**6)]), START.ns
    )
    assert y is data


@pytest.mark.parametrize("frequency", [1, 10, 30, 40])
def test_interpolation_of_a_sine(frequency):
    data = np.sin(2 * np.pi * frequency * np.arange(2000) / 100).astype(np.float32)
    at = np.random.default_rng(1).uniform(100, 1900, 500)
    np.testing.assert_allclose(interpolate(data, at), np.sin(2 * np.pi * frequency * at / 100), atol=0.02)
