"""The synthetic STEAD: what is in it, and that the same seed writes the same."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import islice

import h5py
import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.data.stead_csv import COLUMNS
from minieqt.data.synthetic import (
    EVENT,
    earthquake_windows,
    find_coda_end,
    make_event,
    make_region,
    noise_windows,
    stream,
    write_stead,
)
from minieqt.errors import UserError


@pytest.fixture(scope="module")
def catalogue():
    """150 earthquake windows and 100 noise windows: (rows, windows) of each."""
    stations, faults = make_region(11)
    earthquakes = list(islice(earthquake_windows(11, stations, faults), 150))
    noise = list(islice(noise_windows(11, stations), 100))
    return tuple((tuple(row for row, _ in part), np.stack([x for _, x in part])) for part in (earthquakes, noise))


def test_the_files_are_read_without_a_word(dataset):
    assert len(dataset) == 40 and not dataset.skipped
    assert dataset.table.earthquake.sum() == 28
    for row in range(40):
        assert dataset.read(row).std() > 0
    table = dataset.table.take(dataset.table.earthquake)
    for values in (table.p_sample, table.s_sample, table.coda_end, table.snr_db, table.magnitude, table.distance_km):
        assert np.isfinite(values).all()


def test_the_text_of_the_csv(synthetic_files):
    with open(synthetic_files[1], newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert len({row["trace_name"] for row in rows}) == 40
    for row in rows:
        if row["trace_category"] == "noise":
            assert re.fullmatch(r"S\d\d\.SY_\d{14}_NO", row["trace_name"])
            assert row["source_id"] == row["p_arrival_sample"] == row["coda_end_sample"] == ""
        else:
            assert re.fullmatch(r"S\d\d\.SY_\d{14}_EV", row["trace_name"])
            assert re.fullmatch(r"\[\[\d+\.\]\]", row["coda_end_sample"])
            assert re.fullmatch(r"\[(-?\d+\.\d ){2}-?\d+\.\d\]", row["snr_db"])
            assert all(row.values())  # an earthquake's row has no empty field
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", row["trace_start_time"])


def test_same_seed_same_traces(synthetic_files, tmp_path):
    paths = tmp_path / "again.hdf5", tmp_path / "again.csv"
    write_stead(*paths, count=40, seed=7)
    assert paths[1].read_bytes() == synthetic_files[1].read_bytes()
    with h5py.File(paths[0]) as one, h5py.File(synthetic_files[0]) as other:
        assert list(one["data"]) == list(other["data"])
        for name in one["data"]:
            np.testing.assert_array_equal(one["data"][name], other["data"][name])
    write_stead(*paths, count=40, seed=8)
    assert paths[1].read_bytes() != synthetic_files[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_as_many_processes_as_one_likes(synthetic_files, tmp_path):
    paths = tmp_path / "two.hdf5", tmp_path / "two.csv"
    write_stead(*paths, count=40, seed=7, processes=2)
    assert paths[1].read_bytes() == synthetic_files[1].read_bytes()
    with open_dataset(*paths) as dataset, open_dataset(*synthetic_files) as one:
        for row in (0, 27, 28, 39):
            np.testing.assert_array_equal(dataset.read(row), one.read(row))


def test_more_windows_begin_with_the_same(dataset, tmp_path):
    write_stead(tmp_path / "a.hdf5", tmp_path / "a.csv", count=10, seed=7, noise_fraction=0.5)
    with open_dataset(tmp_path / "a.hdf5", tmp_path / "a.csv") as fewer:
        for kind in (True, False):
            names = fewer.table.name[fewer.table.earthquake == kind]
            assert len(names) == 5
            assert names.tolist() == dataset.table.name[dataset.table.earthquake == kind][:5].tolist()
        np.testing.assert_array_equal(fewer.read(0), dataset.read(0))


def test_fractions(tmp_path):
    for fraction, earthquakes in ((0, 6), (1, 0), (0.5, 3)):
        write_stead(tmp_path / "a.hdf5", tmp_path / "a.csv", count=6, seed=1, noise_fraction=fraction)
        with open_dataset(tmp_path / "a.hdf5", tmp_path / "a.csv") as dataset:
            assert len(dataset) == 6 and dataset.table.earthquake.sum() == earthquakes


def test_few_windows_over_and_over(dataset, tmp_path):
    write_stead(tmp_path / "a.hdf5", tmp_path / "a.csv", count=20, seed=7, distinct=7)
    with open_dataset(tmp_path / "a.hdf5", tmp_path / "a.csv") as many:
        table = many.table
        assert len(many) == 20 and not many.skipped and table.earthquake.sum() == 14
        assert table.name[:4].tolist() == dataset.table.name[:4].tolist()
        for row in range(14):  # of four earthquakes
            np.testing.assert_array_equal(many.read(row), dataset.read(row % 4))
            assert table.p_sample[row] == dataset.table.p_sample[row % 4]
        assert len(set(table.event[:14].tolist())) > len(set(table.event[:4].tolist()))
        np.testing.assert_array_equal(many.read(14), many.read(16))  # of two noise windows


@pytest.mark.parametrize(
    "change", [{"count": 0}, {"distinct": 0}, {"noise_fraction": 1.5}, {"seed": -1}, {"seed": 2**32}]
)
def test_numbers_that_make_no_sense(tmp_path, change):
    with pytest.raises(UserError, match="at least one window"):
        write_stead(tmp_path / "a.hdf5", tmp_path / "a.csv", **{"count": 5, "seed": 0} | change)
    assert not list(tmp_path.iterdir())


def test_several_stations_see_an_event(catalogue):
    (rows, _), _ = catalogue
    events = Counter(row["source_id"] for row in rows)
    assert len(events) > 30 and 3 <= max(events.values()) <= 8
    for event in events:
        same = [row for row in rows if row["source_id"] == event]
        assert len({row["receiver_code"] for row in same}) == len(same)
        assert len({(row["source_magnitude"], row["source_depth_km"]) for row in same}) == 1


def test_p_stands_where_it_does_in_stead_and_s_fits(catalogue):
    (rows, _), _ = catalogue
    p = np.array([row["p_arrival_sample"] for row in rows])
    s = np.array([row["s_arrival_sample"] for row in rows])
    coda = np.array([row["coda_end_sample"].item() for row in rows])
    whole = p % 100 == 0
    assert 0.85 < whole.mean() < 0.99
    assert set(p[whole]) == {400, 500, 600, 700, 800, 900}
    assert (p < s).all() and (s < coda).all() and (coda < 6000).all()
    distance = np.array([np.hypot(row["source_distance_km"], row["source_depth_km"]) for row in rows])
    assert np.corrcoef(distance, s - p)[0, 1] > 0.98  # S − P grows by a second every 8 km
    assert np.median(distance / (s - p) * 100) == pytest.approx(8, rel=0.1)


def test_magnitudes_follow_gutenberg_and_richter():
    _, faults = make_region(0)
    magnitudes = np.array([make_event(stream(0, EVENT, i), i, faults).magnitude for i in range(5000)])
    assert magnitudes.min() >= 0 and magnitudes.max() <= 5
    for level in (0.5, 1.0, 1.5):
        assert np.mean(magnitudes >= level) == pytest.approx(10**-level, rel=0.2)


def test_picks_are_easy_and_hard(catalogue):
    (rows, _), _ = catalogue
    snr = np.array([row["snr_db"] for row in rows])
    assert np.mean(snr.min(axis=1) < 10) > 0.2 and np.mean(snr.min(axis=1) > 20) > 0.2


def test_noise_is_not_told_apart_by_a_glance(catalogue):
    """Peak over deviation, the energy's share in the loudest tenth: many a noise window looks as eventful as an
    earthquake."""
    (_, earthquakes), (_, noise) = catalogue

    def eventful(windows):
        power = np.square(windows - windows.mean(axis=-1, keepdims=True)).sum(axis=1)
        power = np.sort(power.reshape(len(windows), 60, 100).sum(axis=2), axis=1)
        return power[:, -6:].sum(axis=1) / power.sum(axis=1)

    assert np.mean(eventful(noise) > np.median(eventful(earthquakes))) > 0.1
    assert np.mean(eventful(earthquakes) < np.median(eventful(noise))) > 0.02


def test_flaws_of_real_archives_are_there():
    stations, _ = make_region(3)
    windows = np.stack([x for _, x in islice(noise_windows(3, stations), 400)])
    assert any((x[0] == x[1]).all() and x[0].any() for x in windows)  # one component three times
    assert any(not x[1].any() and x[0].any() for x in windows)  # a dead component
    assert any(not x[:, :1000].any() and x.any() for x in windows)  # a late start
    whole = [np.array_equal(x, np.rint(x)) for x in windows]
    assert 0.2 < np.mean(whole) < 0.8  # the digitiser's steps


def test_coda_end_is_where_the_motion_sinks_into_the_noise(rng):
    motion = rng.standard_normal((3, 6000)).astype(np.float32) * np.exp(-np.maximum(np.arange(6000) - 1200, 0) / 500)
    motion[:, :700] = 0
    loud, quiet = (find_coda_end(motion, scale * rng.standard_normal((3, 6000)), 700, 1200) for scale in (0.5, 0.1))
    assert loud == pytest.approx(1200 + 500 * np.log(2), abs=100)
    assert quiet == pytest.approx(1200 + 500 * np.log(10), abs=150)
    assert find_coda_end(motion, 100 * rng.standard_normal((3, 6000)), 700, 1200) > 1200
