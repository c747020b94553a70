"""Records and probabilities as they are drawn: nothing is lost between two points of a curve."""

from __future__ import annotations

import numpy as np
import pytest
from obspy import Stream, Trace
from review_cases import AT, MINUTES, START, records

from minieqt.model import EQTransformer
from minieqt.records.archive import open_archive
from minieqt.records.channel import Instrument
from minieqt.records.selection import Selection
from minieqt.records.span import SECOND
from minieqt.review.waveforms import POINTS, Waveforms, bins, placed

MINUTE = 60 * SECOND


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return open_archive(records(tmp_path_factory.mktemp("records") / "x", [(100, 103)]), Selection())


def make(archive, out, model=None, band=(1.0, 45.0)):
    return Waveforms(archive, out, band, model)


def test_a_minute_is_its_samples(archive, tmp_path):
    start = START.ns + MINUTE
    curves = make(archive, tmp_path, band=None).curves(AT, start, start + 15 * SECOND)
    inside = (curves.time >= start) & (curves.time < start + 15 * SECOND)
    raw = archive.read(("XX", "AAA"), START.ns, START.ns + 3 * MINUTE)
    for row, component in zip(curves.x, "ENZ", strict=True):
        (trace,) = (each for each in raw if each.stats.channel[-1] == component)
        wanted = trace.slice(START + 60, START + 60 + 14.99).data
        difference = row[inside] - wanted
        assert np.ptp(difference) < 0.05  # but for the mean, which is taken off
    assert curves.probability is None


def test_an_envelope_holds_every_sample(archive, tmp_path):
    waveforms = make(archive, tmp_path)
    day = waveforms.curves(AT, START.ns - 3660 * SECOND, START.ns + 23 * 3600 * SECOND + MINUTE)  # and a minute more
    whole = waveforms.curves(AT, START.ns, START.ns + MINUTES * MINUTE)
    assert day.x.shape[1] <= 2 * POINTS and whole.x.shape[1] <= 2 * POINTS
    for curves in (whole, day):
        assert np.all(np.diff(curves.time) >= 0)
        loud = [np.nanmax(np.abs(row)) for row in curves.x]
        fine = waveforms.curves(AT, START.ns + 95 * SECOND, START.ns + 110 * SECOND)
        assert loud == pytest.approx([np.nanmax(np.abs(row)) for row in fine.x], rel=0.02)
    assert day.time[0] == START.ns - 3600 * SECOND and day.time[-1] < START.ns + 23 * 3600 * SECOND
    outside = day.time < START.ns - MINUTE
    assert outside.any() and np.isnan(day.x[:, outside]).all()


def test_bins_and_places():
    x = np.array([[1, np.nan, 3, -4, np.nan], [np.nan] * 5], np.float32)
    low, high = bins(x, 2)
    np.testing.assert_array_equal(low, np.array([[1, -4, np.nan], [np.nan] * 3], np.float32))
    np.testing.assert_array_equal(high, np.array([[1, 3, np.nan], [np.nan] * 3], np.float32))
    found = placed([(0, np.ones((3, 4), np.float32)), (5 * 10**7, np.ones((3, 9), np.float32))], 2 * 10**7, 6)
    np.testing.assert_array_equal(found[0], [1, 1, np.nan, 1, 1, 1])


def test_probabilities_of_the_network_and_of_files(archive, tmp_path):
    start = START.ns + 90 * SECOND
    model = EQTransformer(seed=1).eval()
    computed = make(archive, tmp_path, model).curves(AT, start, start + 30 * SECOND).probability
    assert computed.shape[0] == 3 and 0 < np.nanmin(computed) < np.nanmax(computed) < 1
    folder = tmp_path / "probabilities"
    folder.mkdir()
    header = {"network": "XX", "station": "AAA", "sampling_rate": 100, "starttime": START}
    rows = [np.full(60_000, value, np.float32) for value in (0.25, 0.5, 0.75)]
    names = ("DET", "P", "S")
    traces = [Trace(row, header | {"channel": name}) for row, name in zip(rows, names, strict=True)]
    Stream(traces).write(str(folder / f"{AT.name()}.2022-02-06.mseed"), format="MSEED", encoding="FLOAT32")
    stored = make(archive, tmp_path).curves(AT, start, start + 30 * SECOND).probability
    np.testing.assert_array_equal(np.nanmax(stored, axis=1), [0.25, 0.5, 0.75])
    (folder / f"{AT.name()}.2022-02-06.mseed").write_bytes(b"nonsense")
    assert make(archive, tmp_path).curves(AT, start, start + 30 * SECOND).probability is None


def test_another_instrument_and_an_unknown_station(archive, tmp_path):
    waveforms = make(archive, tmp_path)
    any_there = waveforms.curves(Instrument("XX", "AAA", "", ""), START.ns, START.ns + MINUTE)
    assert np.isfinite(any_there.x).any()
    nothing = waveforms.curves(Instrument("YY", "B", "", "HH"), START.ns, START.ns + MINUTE)
    assert np.isnan(nothing.x).all()
