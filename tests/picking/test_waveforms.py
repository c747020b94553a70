"""Grouping, joining, resampling, and three components on one time axis."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import START, record, trace
from scipy import signal

from minieqt.picking import waveforms
from minieqt.picking.waveforms import (
    Piece,
    choose_instruments,
    filter_both_ways,
    group,
    join,
    prepare,
    segments,
)
from minieqt.records.channel import Instrument, components, split_channel
from minieqt.records.span import SECOND


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("ENZ", {"E": "E", "N": "N", "Z": "Z"}),
        ("12Z", {"1": "N", "2": "E", "Z": "Z"}),
        ("23Z", {"2": "N", "3": "E", "Z": "Z"}),
        ("123", {"1": "Z", "2": "N", "3": "E"}),
        ("WSD", {"W": "E", "S": "N", "D": "Z"}),  # never heard of, but a direction each
        ("Z", {"Z": "Z"}),
        ("1", {"1": "N"}),
        ("EZ", {"E": "E", "Z": "Z"}),
        ("E1Z", {"E": "E", "1": "N", "Z": "Z"}),
        ("HZ", {"Z": "Z"}),
    ],
)
def test_components(letters, expected):
    assert components(letters) == expected


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("HHZ", ("HH", "Z")), ("EW", ("", "E")), ("UD2", ("2", "U")), ("NS1", ("1", "N")), ("", ("",) * 2)],
)
def test_channel_names(channel, expected):
    assert split_channel(channel) == expected


def test_groups_and_the_best_of_them():
    stream = record() + record(channels=("BH1", "BH2", "BHZ")) + record(channels=("HNZ",), location="10")
    stream += record(channels=("BHZ",), station="DEF", location="10") + record(channels=("BHZ",), station="DEF")
    stream += record(channels=("LHZ",), rate=1.0) + record(channels=("HDH",))
    skipped = Counter()
    groups = group(stream, skipped)
    assert len(groups) == 5 and set(groups[Instrument("XX", "ABC", "", "BH")]) == set("ENZ")
    assert skipped == {"1 Hz, outside 20 to 500": 1, "channel HDH, no component that is known": 1}
    at_abc = {instrument: found for instrument, found in groups.items() if instrument.station == "ABC"}
    high_broadband, broadband, strong_motion = (
        Instrument("XX", "ABC", *names) for names in (("", "HH"), ("", "BH"), ("10", "HN"))
    )
    assert choose_instruments(at_abc, "best") == [high_broadband]
    assert choose_instruments(at_abc, "all") == [broadband, high_broadband, strong_motion]
    at_abc[high_broadband] = {"Z": []}  # three components come before a better band
    assert choose_instruments(at_abc, "best") == [broadband]
    assert choose_instruments({}, "best") == []
    others = [instrument for instrument in groups if instrument.station == "DEF"]
    assert choose_instruments(dict.fromkeys(others, "Z"), "best") == [Instrument("XX", "DEF", "", "BH")]


def test_knet():
    groups = group(record(channels=("EW", "NS", "UD")))
    assert [set(names) for names in groups.values()] == [set("ENZ")]


cuts = st.lists(st.integers(1, 999), max_size=6, unique=True)


@given(cuts, st.lists(st.integers(0, 300), min_size=7, max_size=7), st.randoms(use_true_random=False), st.booleans())
@settings(deadline=None, max_examples=60)
def test_join_does_not_see_cuts(cuts, overlaps, shuffler, rounded):
    """Any pieces of a record, overlapping or not, in any order, with rounded starts, are that record again."""
    whole = trace(10, dtype="int32")
    edges = [0, *sorted(cuts), 1000]
    parts = []
    for (first, last), overlap in zip(pairwise(edges), overlaps, strict=False):
        first = max(first - overlap, 0)
        part = trace(1, start=whole.stats.starttime + first / 100 + (0.0004 if rounded and first else 0))
        part.data = whole.data[first:last]
        parts.append(part)
    shuffler.shuffle(parts)
    (piece,) = join(parts)
    assert piece.start == whole.stats.starttime.ns and np.array_equal(piece.data, whole.data)


def test_join_stops_at_gaps_and_bridges_one_sample():
    first, last = trace(1), trace(1, start=START + 1.01)
    (piece,) = join([last, first])
    assert len(piece.data) == 201 and piece.data[100] == (first.data[-1] + last.data[0]) / 2
    assert len(join([first, trace(1, start=START + 1.02)])) == 2
    assert len(join([first, trace(1, start=START + 1, rate=50.0)])) == 2


@pytest.mark.parametrize("hole", [np.nan, np.inf, None])
def test_holes_in_the_data(hole):
    one = trace(5)
    if hole is None:
        one.data = np.ma.masked_inside(np.arange(500.0), 200, 299)
    else:
        one.data[200:300] = hole
    pieces = join([one])
    assert [len(piece.data) for piece in pieces] == [200, 200]
    assert pieces[1].start - pieces[0].start == 3 * SECOND
    one.data[:] = np.nan if hole is not None else np.ma.masked
    assert join([one]) == []


@given(st.floats(20, 500), st.floats(1, 20))
@settings(deadline=None, max_examples=60)
def test_any_rate_keeps_times_and_amplitudes(rate, frequency):
    """A sine of any frequency below both Nyquists comes out as itself, wherever edges are not near."""
    frequency = min(frequency, 0.3 * rate)
    seconds = np.arange(round(20 * rate)) / rate
    made = prepare(Piece(7, rate, np.sin(2 * np.pi * frequency * seconds)), None)
    assert made.start == 7 and abs(made.rate / 100 - 1) < 0.006
    assert made.data.dtype == np.float32 and abs(len(made.data) / made.rate - 20) < 0.05
    expected = np.sin(2 * np.pi * frequency * np.arange(len(made.data)) / made.rate)
    middle = slice(300, len(made.data) - 300)
    assert np.abs(made.data - expected)[middle].max() < 0.05


@pytest.mark.parametrize("rate", [20, 25, 40, 50, 62.5, 80, 100, 120, 125, 200, 250, 500])
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
        patch.setattr(waveforms, "BLOCK", 256)
        np.testing.assert_allclose(filter_both_ways(sections, Piece(0, rate, data)), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("length", [1, 2, 3, 50])
@pytest.mark.parametrize("rate", [20.0, 100.0, 250.0])
def test_very_short(length, rate):
    made = prepare(Piece(0, rate, np.arange(length)), (1, 45))
    assert np.isfinite(made.data).all() and len(made.data) >= 1


def test_segments_put_components_on_one_axis():
    stream = record(10)
    stream[0].trim(START + 2)  # E begins later
    stream[1].trim(START, START + 4)  # N ends earlier
    (segment,) = segments(group(stream)[Instrument("XX", "ABC", "", "HH")], None)
    assert segment.start == START.ns and segment.x.shape == (3, 1000) and segment.x.dtype == np.float32
    assert (segment.x[0, :200] == 0).all() and (segment.x[1, 401:] == 0).all() and (segment.x != 0).sum(1)[2] > 990
    assert segment.time(250) == (START + 2.5).ns


def test_segments_end_where_no_component_goes_on():
    stream = record(10)
    for one in list(stream):
        stream += trace(3, one.stats.channel, start=START + 12)
    found = segments(group(stream)[Instrument("XX", "ABC", "", "HH")])
    assert [(segment.start, segment.x.shape[1]) for segment in found] == [(START.ns, 1000), ((START + 12).ns, 300)]
    stream += trace(5, "HHZ", start=START + 9, seed=1)  # bridges the gap
    assert [s.x.shape[1] for s in segments(group(stream)[Instrument("XX", "ABC", "", "HH")])] == [1500]
