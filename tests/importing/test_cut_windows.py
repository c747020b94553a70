"""Windows out of records: where they begin, what they hold, what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy import Stream, Trace, UTCDateTime

from minieqt.data.open import open_dataset
from minieqt.data.stead_writer import write_windows
from minieqt.importing.catalogue import pair_up
from minieqt.importing.cut_windows import Job, cut_windows
from minieqt.records.archive import open_archive
from minieqt.records.selection import Selection
from minieqt.tables.catalogue import Found
from minieqt.tables.picks import Onset

START = UTCDateTime("2022-02-06T00:00:00.004Z")
STATION = ("XX", "ABC")
SECONDS = 3600


def catalogue(*pairs):
    """Of (P, S) in seconds after START, None where there is none."""
    onsets = [
        Onset(*STATION, phase, (START + t).ns, f"e{i}")
        for i, pair in enumerate(pairs)
        for phase, t in zip("PS", pair, strict=True)
        if t is not None
    ]
    return pair_up(Found(onsets))


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """An hour of three components in three files: loud from second 1,000 to 1,030, nothing from 3,000 to 3,010."""
    rng = np.random.default_rng(3)
    t = np.arange(100 * SECONDS) / 100
    folder = tmp_path_factory.mktemp("records")
    traces = []
    for channel in ("HHE", "HHN", "HHZ"):
        x = rng.standard_normal(len(t)) * np.where((t >= 1000) & (t < 1030), 100, 1)
        header = {"network": "XX", "station": "ABC", "channel": channel, "sampling_rate": 100.0, "starttime": START}
        traces.append(Trace(x.astype(np.float32), header))
    for name, first, last in (("a", 0, 1300), ("b", 1300, 3000), ("c", 3010, SECONDS)):
        part = Stream([trace.slice(START + first, START + last - 0.001) for trace in traces])
        part.write(str(folder / f"{name}.mseed"), format="MSEED")
    return open_archive([folder], Selection())


def cut(archive, catalogue, **options):
    job = Job(catalogue, **{"noise": 0} | options)
    return list(cut_windows(archive, job, archive.days())), job


def test_arrivals_are_where_the_record_has_them(archive):
    ((row, x),), job = cut(archive, catalogue((1000.0, 1008.25)), band=None)
    assert x.shape == (3, 6000) and x.dtype == np.float32 and not job.skipped
    first_loud = np.flatnonzero(np.abs(x).max(axis=0) > 30)[0]
    assert row["p_arrival_sample"] == pytest.approx(first_loud, abs=1)
    assert row["s_arrival_sample"] - row["p_arrival_sample"] == pytest.approx(825)
    start = UTCDateTime(row["trace_start_time"])
    assert start + row["p_arrival_sample"] / 100 - START == pytest.approx(1000, abs=0.01)
    assert (row["snr_db"] > 35).all() and row["coda_end_sample"].item() == pytest.approx(first_loud + 3000, abs=100)
    assert row["source_id"] == "e0" and row["trace_name"].startswith("ABC.XX_202202060016")


def test_a_station_with_a_slash_is_found_again(tmp_path):
    """Of a name a/b HDF5 takes a for a group."""
    rng, station = np.random.default_rng(0), ("XX", "A/B")
    header = {"network": "XX", "station": "A/B", "sampling_rate": 100.0, "starttime": START}
    for channel in ("HHE", "HHN", "HHZ"):
        trace = Trace(rng.standard_normal(30000).astype(np.float32), header | {"channel": channel})
        trace.write(str(tmp_path / channel), format="SAC")
    archive = open_archive([tmp_path], Selection())
    onsets = [Onset(*station, phase, (START + time).ns, "e") for phase, time in (("P", 100), ("S", 104))]
    windows, _ = cut(archive, pair_up(Found(onsets)))
    paths = tmp_path / "set.hdf5", tmp_path / "set.csv"
    write_windows(*paths, windows)
    with open_dataset(*paths) as dataset:
        assert dataset.table.station.tolist() == ["XX.A/B"] and not dataset.skipped


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(200, 2800), st.floats(0.5, 55))
def test_a_window_holds_p_and_s_wherever_it_begins(archive, seed, p, travel):
    windows, _ = cut(archive, catalogue((p, p + travel)), seed=seed)
    ((row, _),) = windows
    at = row["p_arrival_sample"], row["s_arrival_sample"]
    assert min(300, 5900 - 100 * travel) - 1 <= at[0] <= 2501 and at[0] < at[1] <= 5901


def test_the_clock_is_not_taught(archive):
    windows, _ = cut(archive, catalogue(*((100.0 + 120 * i, 105.0 + 120 * i) for i in range(20))))
    before = np.array([row["p_arrival_sample"] for row, _ in windows])
    assert len(before) == 20 and before.min() < 800 and before.max() > 2000
    assert len(set(np.round(before % 100))) > 10
    again, _ = cut(archive, catalogue((100.0, 105.0)))
    np.testing.assert_array_equal(again[0][1], windows[0][1])  # whatever else is imported


def test_another_pick_in_the_window_is_not_taken_for_silence(archive):
    windows, job = cut(archive, catalogue((500.0, 504.0), (509.0, 512.0), (530.0, 534.0), (2000.0, 2004.0)))
    for row, _ in windows:
        start = UTCDateTime(row["trace_start_time"]) - START
        inside = [t for t in (500, 504, 509, 512, 530, 534, 2000, 2004) if start <= t <= start + 60]
        assert len(inside) == 2
    assert job.catalogue.found.skipped["pick with another earthquake's in its window"] == 8 - 2 * len(windows) >= 2


def test_noise_is_far_from_every_pick_and_from_each_other(archive):
    onsets = (1000.0, 1004.0, 2000.0, 2003.0)
    windows, _ = cut(archive, catalogue(onsets[:2], onsets[2:]), noise=8)
    starts = [UTCDateTime(row["trace_start_time"]) - START for row, _ in windows if row["trace_category"] == "noise"]
    assert len(starts) == 8
    for start in starts:
        assert all(t + 90 <= start or start + 90 <= t for t in onsets)
        assert start + 60 <= 3000 or 3010 <= start  # no gap
    assert np.diff(sorted(starts)).min() >= 60


def test_what_an_analyst_missed_is_no_noise(archive):
    windows, job = cut(archive, catalogue((2700.0, 2703.0)), noise=30)
    starts = [UTCDateTime(row["trace_start_time"]) - START for row, _ in windows if row["trace_category"] == "noise"]
    assert len(starts) > 15 and not any(941 < start < 1029 for start in starts)
    assert job.skipped["noise window in which something stands out"]


def test_what_the_record_does_not_hold(archive):
    windows, job = cut(archive, catalogue((3005.0, 3010.0), (5000.0, 5004.0), (90000.0, 90003.0)))
    assert not windows
    assert job.catalogue.found.skipped == {
        "pick whose window the record does not hold": 4,
        "pick on a day without records": 2,
    }


@pytest.mark.parametrize("pair", [(1000.0, None), (None, 1000.0)])
def test_one_phase_is_enough(archive, pair):
    ((row, x),), job = cut(archive, catalogue(pair), band=None)
    picked, other = ("p", "s") if pair[0] else ("s", "p")
    first_loud = np.flatnonzero(np.abs(x).max(axis=0) > 30)[0]
    assert row[f"{picked}_arrival_sample"] == pytest.approx(first_loud, abs=1) and not job.catalogue.found.skipped
    assert f"{other}_arrival_sample" not in row and "coda_end_sample" not in row and row["source_id"] == "e0"


def test_what_is_rejected_is_no_other_earthquake_but_no_noise_either(archive):
    found = catalogue((1000.0, 1008.0)).found
    for t in (998.0, 2000.0):
        found.leave_out(Onset(*STATION, "P", (START + t).ns, "e0", "rejected"), "rejected pick")
    windows, _ = cut(archive, pair_up(found), noise=20)
    starts = {"EV": [], "NO": []}
    for row, _ in windows:
        starts[row["trace_name"][-2:]].append(UTCDateTime(row["trace_start_time"]) - START)
    assert len(starts["EV"]) == 1 and not any(1911 < start < 2089 for start in starts["NO"])


def test_two_instruments_of_a_day_are_one_station(tmp_path, rng):
    """The better one until half past, the other one after: no pick is lost, and noise counts by station and day."""
    for band, first in (("HH", 0), ("EH", 1800)):
        header = {"network": "XX", "station": "ABC", "sampling_rate": 100.0, "starttime": START + first}
        traces = [
            Trace(rng.standard_normal(180_000).astype(np.float32), header | {"channel": band + component})
            for component in "ENZ"
        ]
        Stream(traces).write(str(tmp_path / f"{band}.mseed"), format="MSEED")
    windows, job = cut(open_archive([tmp_path], Selection()), catalogue((500.0, 504.0), (2500.0, 2504.0)), noise=5)
    assert [(row["trace_category"], row["receiver_type"]) for row, _ in windows[:2]] == [
        ("earthquake_local", "HH"),
        ("earthquake_local", "EH"),
    ]
    assert not job.catalogue.found.skipped and len(windows) == 2 + 5


def test_a_detection_that_was_none_on_a_day_without_records_is_said(archive):
    found = catalogue((1000.0, 1008.0))
    windows, job = cut(archive, found, quiet={STATION: [(START + 500).ns, (START + 90000).ns]})
    assert [row["trace_category"] for row, _ in windows] == ["earthquake_local", "noise"]
    assert job.skipped == {"detection that was none, on a day without records": 1}
