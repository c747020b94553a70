"""STEAD's layout, to the letter, and files that are whole or not there."""

from __future__ import annotations

import csv

import h5py
import numpy as np
import pytest

from minieqt.data.stead_csv import COLUMNS
from minieqt.data.stead_writer import write_windows


def test_layout(write, rng):
    samples = rng.standard_normal((6000, 3)).astype(np.float32)
    changes = {"samples": samples, "snr_db": np.array([56.8, 55.4, -7.0]), "source_magnitude": 3.6}
    hdf5, table = write({"A.XX_1_EV": changes | {"source_magnitude_author": "None"}, "A.XX_2_NO": {}})
    with open(table, newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == list(COLUMNS)
    earthquake, noise = (dict(zip(COLUMNS, line, strict=True)) for line in lines[1:])
    assert earthquake["snr_db"] == "[56.8 55.4 -7.0]" and earthquake["coda_end_sample"] == "[[1900.]]"
    assert earthquake["p_arrival_sample"] == "700.0" and earthquake["source_magnitude_author"] == "None"
    assert noise["trace_category"] == "noise" and noise["p_arrival_sample"] == noise["snr_db"] == ""

    with h5py.File(hdf5) as file:
        assert list(file) == ["data"] and sorted(file["data"]) == ["A.XX_1_EV", "A.XX_2_NO"]
        trace = file["data/A.XX_1_EV"]
        assert trace.shape == (6000, 3) and trace.dtype == np.float32
        assert trace.chunks is None and trace.compression is None and trace.id.get_offset() is not None
        np.testing.assert_array_equal(trace[()], samples)
        for name, row in (("A.XX_1_EV", earthquake), ("A.XX_2_NO", noise)):
            attributes = file["data"][name].attrs
            assert set(attributes) == set(COLUMNS)
            for column in COLUMNS:
                value = attributes[column]
                if isinstance(value, np.ndarray):
                    text = row[column].strip("[]").split()
                    np.testing.assert_array_equal(value.ravel(), [float(part) for part in text])
                else:
                    assert str(value) == row[column]
        assert trace.attrs["snr_db"].shape == (3,) and trace.attrs["coda_end_sample"].shape == (1, 1)
        assert isinstance(trace.attrs["trace_category"], str)
        assert isinstance(trace.attrs["source_magnitude"], float)


def test_a_failure_leaves_the_old_files_and_nothing_else(write, tmp_path):
    hdf5, table = write({"A.XX_1_EV": {}})
    before = hdf5.read_bytes(), table.read_bytes()

    def windows():
        yield {"trace_name": "B.XX_1_NO"}, np.zeros((3, 6000), np.float32)
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        write_windows(hdf5, table, windows())
    assert (hdf5.read_bytes(), table.read_bytes()) == before
    assert sorted(tmp_path.iterdir()) == sorted([hdf5, table])


def test_the_table_is_there_only_once_the_waveforms_are(tmp_path, monkeypatch):
    """Killed while the waveforms are still on their way to the disk: whoever asks for the table finds none."""

    def killed(path):
        raise SystemExit(f"while {path} is written")

    monkeypatch.setattr("minieqt.files.force_to_disk", killed)
    with pytest.raises(SystemExit, match="hdf5"):
        write_windows(tmp_path / "a.hdf5", tmp_path / "a.csv", [({"trace_name": "B.XX_1_NO"}, np.zeros((3, 6000)))])
    assert not (tmp_path / "a.csv").exists() and not (tmp_path / "a.hdf5").exists()
