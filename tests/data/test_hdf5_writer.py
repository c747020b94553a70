"""HDF5 written by hand: HDF5's own library reads it, goes on writing into it, and finds no difference to its own."""

from __future__ import annotations

import errno
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minieqt.data.hdf5_writer import HEAP, TraceFile
from minieqt.errors import UserError

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
names = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda name: name != "."
)
values = st.one_of(texts, st.floats(), st.lists(st.floats(), min_size=1, max_size=4).map(np.array))
samples = st.sampled_from([((6,), "<f4"), ((7, 3), "<f4"), ((2, 3), "<f8"), ((5, 1), "<i4")]).map(
    lambda kind: np.arange(np.prod(kind[0])).astype(kind[1]).reshape(kind[0])
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(names, st.tuples(samples, st.dictionaries(names, values, max_size=5)), max_size=8))
def test_what_goes_in_comes_out(tmp_path_factory, traces):
    path = tmp_path_factory.mktemp("traces") / "a.hdf5"
    with TraceFile(path) as file:
        for name, (x, attributes) in traces.items():
            file.add(name, x, attributes)
    with h5py.File(path) as file:
        assert list(file) == ["data"] and set(file["data"]) == set(traces)
        for name, (x, attributes) in traces.items():
            stored = file["data"][name]
            assert stored.dtype == x.dtype and stored.chunks is None
            np.testing.assert_array_equal(stored[()], x)
            assert set(stored.attrs) == set(attributes)
            for key, value in attributes.items():
                assert isinstance(stored.attrs[key], str if isinstance(value, str) else (float, np.ndarray))
                np.testing.assert_array_equal(stored.attrs[key], value)


def many(path, count):
    with TraceFile(path) as file:
        for i in np.random.default_rng(0).permutation(count).tolist():
            file.add(f"trace {i}", np.full((2, 3), i, np.float32), {"i": float(i), "name": f"{i}" * 20, "end": "E"})


def check(trace, i):
    assert (trace[()] == i).all() and trace.attrs["i"] == i
    assert trace.attrs["name"] == f"{i}" * 20 and trace.attrs["end"] == "E"


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 3000])  # a leaf of the tree holds 64, a node at first 32 of them
def test_any_number_of_traces(tmp_path, count):
    many(tmp_path / "a.hdf5", count)
    with h5py.File(tmp_path / "a.hdf5") as file:
        data = file["data"]
        assert list(data) == sorted(f"trace {i}" for i in range(count))
        for i in range(count):
            check(data[f"trace {i}"], i)
        assert "trace" not in data and "trace 99999" not in data


def test_the_library_goes_on_writing(tmp_path):
    many(tmp_path / "a.hdf5", 3000)
    with h5py.File(tmp_path / "a.hdf5", "a") as file:
        data = file["data"]
        for i in range(0, 1000, 2):
            del data[f"trace {i}"]
        for i in range(3000, 3200):
            data[f"trace {i}"] = np.full((2, 3), i, np.float32)
            data[f"trace {i}"].attrs.update({"i": float(i), "name": f"{i}" * 20, "end": "E"})
        data["trace 1"].attrs.modify("name", "1" * 20)
        data["trace 3"].attrs["end"] = "E"
        file.create_group("more")["x"] = np.zeros(5)
        with h5py.File(tmp_path / "b.hdf5", "w") as other:
            file.copy("data/trace 5", other, "copy")
    with h5py.File(tmp_path / "a.hdf5") as file, h5py.File(tmp_path / "b.hdf5") as other:
        assert len(file["data"]) == 2700
        for i in [*range(1, 1000, 2), *range(1000, 3200)]:
            check(file["data"][f"trace {i}"], i)
        check(other["copy"], 5)


def test_types_and_shapes_are_the_librarys_own(tmp_path):
    x = np.ones((6000, 3), np.float32)
    attributes = {"text": "ä", "number": 1.5, "three": np.ones(3), "one": np.ones((1, 1))}
    with TraceFile(tmp_path / "ours.hdf5") as file:
        file.add("A", x, attributes)
    with h5py.File(tmp_path / "theirs.hdf5", "w") as file:
        file["data/A"] = x
        file["data/A"].attrs.update(attributes)
    with h5py.File(tmp_path / "ours.hdf5") as ours, h5py.File(tmp_path / "theirs.hdf5") as theirs:
        one, other = ours["data/A"], theirs["data/A"]
        assert one.id.get_type().equal(other.id.get_type()) and one.fillvalue == other.fillvalue
        assert one.shape == other.shape and one.id.get_offset() % 8 == 0
        for name in attributes:
            a, b = (h5py.h5a.open(trace.id, name.encode()) for trace in (one, other))
            assert a.get_type().equal(b.get_type()) and a.shape == b.shape


def test_a_text_longer_than_a_heap(tmp_path):
    long = "seismo " * HEAP
    with TraceFile(tmp_path / "a.hdf5") as file:
        file.add("A", np.zeros(3), {"before": "1", "long": long, "after": "2"})
    with h5py.File(tmp_path / "a.hdf5") as file:
        assert dict(file["data/A"].attrs) == {"before": "1", "long": long, "after": "2"}


def test_a_name_twice(tmp_path):
    with pytest.raises(UserError, match=r"a.hdf5: two traces are called A"), TraceFile(tmp_path / "a.hdf5") as file:
        file.add("A", np.zeros(3), {})
        file.add("A", np.zeros(3), {})


def test_a_file_that_was_not_finished_is_none(tmp_path):
    with pytest.raises(KeyboardInterrupt), TraceFile(tmp_path / "a.hdf5") as file:
        file.add("A", np.zeros(3), {})
        raise KeyboardInterrupt
    with pytest.raises(OSError, match="signature"):
        h5py.File(tmp_path / "a.hdf5")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, which is always full")
def test_a_full_disk_is_named():
    with pytest.raises(OSError) as caught, TraceFile(Path("/dev/full")) as file:
        file.add("A", np.zeros(3), {})
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == "/dev/full"
