"""The index: kept, noticed when a file changes, and never believed without a look."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest

from minieqt.data import index, open_dataset
from minieqt.data.synthetic import write_stead
from minieqt.errors import UserError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep every index, in a folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "WORTH_KEEPING", 1)
    return tmp_path / "cache" / "minieqt"


def same(one, other):
    assert one.table.name.tolist() == other.table.name.tolist()
    for column in ("p_sample", "s_sample", "coda_end", "snr_db", "magnitude", "distance_km", "start_time"):
        np.testing.assert_array_equal(getattr(one.table, column), getattr(other.table, column))
    for column in ("earthquake", "event", "station"):
        assert getattr(one.table, column).tolist() == getattr(other.table, column).tolist()
    assert one.table.name.dtype == other.table.name.dtype
    np.testing.assert_array_equal(one.start, other.start)
    assert (one.groups, one.skipped, one.first) == (other.groups, other.skipped, other.first)


def test_a_kept_index_is_the_index(synthetic_files, cache, monkeypatch):
    made = index.index_of(*synthetic_files)
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(index, "make_index", None)  # it is not made again
    same(index.index_of(*synthetic_files), made)


def test_a_changed_file_is_indexed_anew(tmp_path):
    paths = tmp_path / "a.hdf5", tmp_path / "a.csv"
    write_stead(*paths, count=6, seed=1)
    assert len(open_dataset(*paths)) == 6
    write_stead(*paths, count=9, seed=1)
    assert len(open_dataset(*paths)) == 9
    lines = paths[1].read_text().splitlines(keepends=True)
    time = paths[1].stat().st_mtime_ns
    paths[1].write_text("".join(lines[:-1]))
    os.utime(paths[1], ns=(time, time))  # the same time, another size
    assert len(open_dataset(*paths)) == 8
    os.utime(paths[0], ns=(1, 1))  # the same size, another time
    assert len(open_dataset(*paths)) == 8


def test_a_damaged_index_is_made_anew(synthetic_files, cache):
    made = index.index_of(*synthetic_files)
    (path,) = cache.iterdir()
    for damaged in (path.read_bytes()[:2000], b"", b"nonsense"):
        path.write_bytes(damaged)
        same(index.index_of(*synthetic_files), made)


LIMITED = """
import resource, sys
from pathlib import Path
from minieqt.data import index
index.WORTH_KEEPING = 1
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
print(len(index.index_of(*map(Path, sys.argv[1:])).table))
"""


def test_no_room_for_the_index(synthetic_files, cache):
    """A limit on the size of files stands for the disk; the data set is read all the same."""
    done = subprocess.run([sys.executable, "-c", LIMITED, *map(str, synthetic_files)], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "40\n"
    assert re.fullmatch(r"the index is not kept: .*File too large: .*\n", done.stderr)
    assert cache.is_dir() and not list(cache.iterdir())


def test_a_full_disk_leaves_nothing_behind(synthetic_files, cache, monkeypatch, capsys):
    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert len(index.index_of(*synthetic_files).table) == 40
    assert not list(cache.iterdir())
    assert "No space left" in capsys.readouterr().err


def test_what_is_read_in_place_is_what_hdf5_reads(synthetic_files, rng):
    with open_dataset(*synthetic_files) as dataset, h5py.File(synthetic_files[0]) as file:
        assert (dataset._start >= 0).all()
        rows = rng.permutation(40)[:30]
        out = np.empty((30, 3, 6000), np.float32)
        assert dataset.read_into(rows, out) == {}
        for row, x in zip(rows, out, strict=True):
            np.testing.assert_array_equal(x, file["data"][dataset.table.name[row]][()].T)
            np.testing.assert_array_equal(x, dataset.read(row))


def test_what_cannot_be_read_in_place_goes_through_hdf5(write, tmp_path, rng):
    sound = rng.standard_normal((6000, 3)).astype(np.float32)
    bad = sound.copy()
    bad[7, 1] = np.inf
    hdf5, csv = write(
        {
            "A.XX_1_EV": {"samples": sound},
            "A.XX_2_EV": {"samples": sound.astype(np.float64)},
            "A.XX_3_EV": {"samples": bad},
            "A.XX_4_EV": {"samples": sound[:5000]},
            "A.XX_5_NO": {"samples": (100 * sound).astype(np.int32)},
        }
    )
    with h5py.File(hdf5, "a") as file:
        file["data"].create_dataset("A.XX_6_NO", data=sound, chunks=(600, 3), compression="gzip")
        file["data"].create_dataset("A.XX_7_NO", shape=(6000, 3), dtype="f4")  # never written
        file["data"].create_group("A.XX_8_NO")
    with open(csv, "a") as file:
        columns = csv.read_text().splitlines()[1].count(",") + 1
        for i in (6, 7, 8):
            file.write("," * (columns - 2) + f"noise,A.XX_{i}_NO\n")
    with open_dataset(hdf5, csv) as dataset:
        assert (dataset._start >= 0).tolist() == [True, False, True] + [False] * (len(dataset) - 3)
        out = np.empty((len(dataset), 3, 6000), np.float32)
        reasons = dataset.read_into(np.arange(len(dataset)), out)
        by_name = {str(dataset.table.name[i]): reason.reason for i, reason in reasons.items()}
        assert by_name == {"A.XX_3_EV": "NaN or infinity", "A.XX_4_EV": "wrong shape"}
        for i in (0, 1, 5):
            np.testing.assert_array_equal(out[i], sound.T)
        assert not out[6].any()


def test_a_file_cut_short_is_an_error(synthetic_files, tmp_path):
    hdf5 = tmp_path / "cut.hdf5"
    hdf5.write_bytes(synthetic_files[0].read_bytes()[:-100_000])
    with pytest.raises(UserError, match=r"cut.hdf5 cannot be opened as HDF5 .*is the download complete"):
        open_dataset(hdf5, synthetic_files[1])
