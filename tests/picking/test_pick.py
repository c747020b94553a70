"""pick and annotate: real records however they are cut, and records of every shape."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import obspy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obspy import Stream, UTCDateTime
from records import START, record, small_model, times, trace

from minieqt import annotate, load_weights, pick
from minieqt.errors import UserError
from minieqt.picking.probabilities import Settings

MODEL = small_model()
LOW = {"detection_threshold": 0.4, "rule": "eqtransformer"}  # of noise that hovers many picks


@pytest.fixture(scope="module")
def conservative(shared):
    return load_weights(shared / "weights" / "eqt_conservative.npz")


@pytest.fixture(scope="module")
def continuous(shared):
    """Forty minutes around the analyst's earthquake of four hours."""
    time = UTCDateTime("2022-02-06T02:31:29")
    return obspy.read(shared / "data" / "PB.B204.mseed").slice(time - 1200, time + 1200)


@pytest.fixture(scope="module")
def picks(continuous, conservative):
    return pick(continuous, conservative)[1]


def test_an_analysts_picks(picks):
    (p,), (s,) = ([pick for pick in picks if pick.phase == phase] for phase in "PS")
    assert abs(p.time - UTCDateTime("2022-02-06T02:31:29.32")) <= 0.2
    assert abs(s.time - UTCDateTime("2022-02-06T02:31:34.43")) <= 0.3


def test_seven_uneven_files(continuous, conservative, picks):
    start = continuous[0].stats.starttime
    edges = [start + seconds for seconds in (0, 61.237, 700, 733.3, 1188.01, 1203.5, 2100, 9999)]
    parts = Stream()
    for number, (first, last) in enumerate(pairwise(edges)):
        for one in continuous:
            parts += one.slice(first - (30 if number % 2 else 0), last)
    assert len(parts) == 21
    again = pick(Stream(parts[::-1]), conservative)[1]
    assert times(again) == times(picks)


def test_a_gap_elsewhere(continuous, conservative, picks):
    start = continuous[0].stats.starttime
    for gap in (100.0, 1120.0):
        parts = continuous.slice(start, start + gap) + continuous.slice(start + gap + 5)
        again = pick(parts, conservative)[1]
        assert [one.phase for one in again] == [one.phase for one in picks]
        assert all(abs(one.time - other.time) <= 0.05 for one, other in zip(again, picks, strict=True))


def test_the_stream_stays_as_it_is(continuous, conservative, picks):
    before = continuous.copy()
    pick(continuous.slice(START, START + 120), conservative)
    assert continuous == before


def test_midnight_changes_nothing():
    """The same noise, once in the afternoon and once around midnight, whole steps of the windows' grid later."""
    found = []
    for around in (UTCDateTime("2022-02-07T00:00:00") - 1.28 * steps for steps in (30000, 0)):
        events, picks = pick(record(100, start=around - 50), MODEL, **LOW)
        found.append([(p.phase, p.time - around, p.probability) for p in picks])
        assert len(events) > 4 and len(picks) > 4
    assert [row[:2] for row in found[0]] == [row[:2] for row in found[1]]
    np.testing.assert_allclose([row[2] for row in found[0]], [row[2] for row in found[1]], atol=1e-5)


def test_annotate_across_midnight():
    midnight = UTCDateTime("2022-02-07T00:00:00")
    probabilities = annotate(record(100, start=midnight - 50.005), MODEL)
    assert [one.id for one in probabilities] == ["XX.ABC..DET", "XX.ABC..P", "XX.ABC..S"]
    assert all(one.stats.npts == 10000 and one.stats.starttime == midnight - 50.005 for one in probabilities)
    assert all(one.data.dtype == np.float32 and 0 <= one.data.min() <= one.data.max() <= 1 for one in probabilities)


def test_annotate_and_pick_agree():
    stream = record(60)
    detection, p, s = annotate(stream, MODEL)
    events, picks = pick(stream, MODEL, **LOW)
    assert len(events) > 2 and picks
    for one in picks:
        curve = {"P": p, "S": s}[one.phase]
        assert one.probability == curve.data[round((one.time - curve.stats.starttime) * 100)]
    for event in events:
        first, last = (round((time - detection.stats.starttime) * 100) for time in (event.start, event.end))
        assert detection.data[first:last].min() >= 0.4


shapes = st.fixed_dictionaries(
    {
        "length": st.integers(1, 768),
        "channels": st.sampled_from(
            [("HHZ",), ("HHE", "HHN"), ("HH1", "HH2", "HHZ"), ("HHE", "HHN", "HHZ"), ("EW", "UD")]
        ),
        "rate": st.sampled_from([20.0, 40.0, 50.0, 99.5, 100.0, 125.0, 250.0, 500.0]),
        "dtype": st.sampled_from(["int16", "int32", "float32", "float64"]),
        "gaps": st.lists(st.tuples(st.integers(0, 767), st.integers(1, 100)), max_size=3),
        "shift": st.lists(st.integers(0, 50), min_size=3, max_size=3),
        "masked": st.booleans(),
        "blind": st.integers(0, 60),
        "stack": st.sampled_from(["max", "mean"]),
    }
)


@given(shapes)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_streams_of_every_shape(shape):
    """Every sample that some component has gets a finite probability, and every pick lies within the data."""
    stream = Stream()
    for channel, shift in zip(shape["channels"], shape["shift"], strict=False):
        seconds = shape["length"] / 100
        one = trace(seconds, channel, START + shift / 100, shape["rate"], dtype=shape["dtype"])
        hidden = np.zeros(len(one.data), bool)
        for first, count in shape["gaps"]:
            hidden[first : first + count] = True
        one.data = np.ma.array(one.data, mask=hidden)
        stream += one if shape["masked"] else one.split()
    usable = sum(np.ma.count(one.data) for one in stream)
    if usable == 0:
        return
    probabilities = annotate(stream, MODEL, blind=shape["blind"], stack=shape["stack"])
    first, last = (min(one.stats.starttime for one in stream), max(one.stats.endtime for one in stream))
    margin = 2 / shape["rate"] + 0.02
    for one in probabilities:
        assert np.isfinite(one.data).all()
        assert first - margin <= one.stats.starttime <= one.stats.endtime <= last + margin
    for piece in (part for one in stream for part in one.split()):
        inside = [p for p in probabilities.select(channel="P") if p.stats.starttime <= piece.stats.starttime + margin]
        assert any(p.stats.endtime >= piece.stats.endtime - margin for p in inside)
    events, picks = pick(stream, MODEL, blind=shape["blind"], stack=shape["stack"], **LOW)
    assert all(first - margin <= one.time <= last + margin for one in picks)
    assert all(event.start <= event.end and len(event.picks()) <= 2 for event in events)


def test_stations_apart():
    stream = record(30) + record(30, station="DEF", seed=3) + record(30, channels=("BHE", "BHN", "BHZ"))
    both = pick(stream, MODEL, **LOW)[1]
    alone = [pick(record(30), MODEL, **LOW)[1], pick(record(30, station="DEF", seed=3), MODEL, **LOW)[1]]
    assert {p.instrument.band for p in both} == {"HH"}
    assert sorted(times(both), key=str) == sorted(times(alone[0]) + times(alone[1]), key=str)


def test_all_instruments():
    """Each as if it were alone, probabilities of one location told apart by their instrument."""
    stream = record(60) + record(60, channels=("BHE", "BHN", "BHZ"))
    both = pick(stream, MODEL, instruments="all", **LOW)[1]
    apart = [pick(record(60, channels=[f"{band}{c}" for c in "ENZ"]), MODEL, **LOW)[1] for band in ("HH", "BH")]
    assert sorted(times(both), key=str) == sorted(times(apart[0]) + times(apart[1]), key=str) and all(apart)
    midnight = UTCDateTime("2022-02-07T00:00:00")
    stream = record(60, start=midnight - 30) + record(60, channels=("BHZ",), start=midnight - 30)
    probabilities = annotate(stream, MODEL, instruments="all")
    assert sorted(one.stats.instrument for one in probabilities) == ["BH"] * 3 + ["HH"] * 3
    assert all(one.stats.npts == 6000 for one in probabilities)


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (Stream(), "the stream is empty"),
        (record(10, rate=10.0), "10 Hz, outside 20 to 10000"),
        (record(10, channels=("HDH",)), "no component that is known"),
    ],
)
def test_nothing_to_pick(stream, words):
    with pytest.raises(UserError, match=words):
        pick(stream, MODEL)


def test_unknown_settings():
    with pytest.raises(TypeError):
        pick(record(5), MODEL, threshold=3)
    assert Settings().overlap == 0.5
