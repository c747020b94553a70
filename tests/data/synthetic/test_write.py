"""The synthetic STEAD: what is in it, and that the same seed writes the same."""

from __future__ import annotations

import csv
import re
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import h5py
import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.data.stead_csv import COLUMNS
from minieqt.data.synthetic import write_stead
from minieqt.errors import UserError


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
            assert re.fullmatch(r"[S\d]\d+\.SY_\d{14}_NO", row["trace_name"])
            assert row["source_id"] == row["p_arrival_sample"] == row["coda_end_sample"] == ""
        else:
            assert re.fullmatch(r"[S\d]\d+\.SY_\d{14}_EV", row["trace_name"])
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


def test_a_process_that_is_killed(tmp_path, monkeypatch):
    class Killed(ProcessPoolExecutor):
        def submit(self, *_):
            future = Future()
            future.set_exception(BrokenProcessPool("a process was terminated abruptly"))
            return future

    monkeypatch.setattr("minieqt.data.synthetic.write.ProcessPoolExecutor", Killed)
    with pytest.raises(UserError, match="was killed, most likely for memory"):
        write_stead(tmp_path / "a.hdf5", tmp_path / "a.csv", 60, seed=4, processes=2)
    assert not list(tmp_path.iterdir())


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
