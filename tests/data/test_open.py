"""Whatever the layout, one call opens it."""

from __future__ import annotations

import csv

import h5py
import numpy as np
import pytest

from minieqt.arguments import existing_path
from minieqt.data import open_dataset
from minieqt.data.seisbench_format import SeisBench
from minieqt.data.several import Several
from minieqt.data.split import make_split
from minieqt.data.stead import Stead
from minieqt.errors import UserError


@pytest.fixture
def seisbench(tmp_path, rng):
    """The folder of a SeisBench set: three earthquakes, one for each part of a split."""
    folder = tmp_path / "seisbench"
    folder.mkdir()
    with h5py.File(folder / "waveforms.hdf5", "w") as file:
        file["data_format/dimension_order"], file["data_format/component_order"] = "CW", "ENZ"
        for i in range(3):
            file[f"data/s{i}"] = rng.standard_normal((3, 6000)).astype(np.float32)
    with open(folder / "metadata.csv", "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["trace_name", "trace_p_arrival_sample", "trace_s_arrival_sample", "split"])
        lines.writerows([f"s{i}", 700, 1200, part] for i, part in enumerate(("train", "dev", "test")))
    return folder


def test_each_layout_is_recognised(synthetic_files, seisbench):
    hdf5, csv = synthetic_files
    assert isinstance(open_dataset(hdf5, csv), Stead)
    assert isinstance(open_dataset(hdf5), Stead)  # the CSV of the same name stands beside it
    assert isinstance(open_dataset([str(hdf5)], [str(csv)]), Stead)
    assert isinstance(open_dataset(seisbench), SeisBench)
    assert isinstance(open_dataset(seisbench / "waveforms.hdf5", seisbench / "metadata.csv"), SeisBench)


def test_layouts_mix(synthetic_files, seisbench):
    with open_dataset([seisbench, synthetic_files[0]], synthetic_files[1]) as dataset:
        assert isinstance(dataset, Several) and len(dataset) == 43
        assert dataset.table.name[:3].tolist() == ["s0", "s1", "s2"]
        assert dataset.read(0).shape == (3, 6000)


def test_the_column_split_of_every_layout(seisbench):
    with open_dataset(seisbench) as dataset:
        assert [rows.tolist() for rows in make_split("column", dataset)] == [[0], [1], [2]]


def test_as_many_of_one_as_of_the_other(synthetic_files, seisbench):
    hdf5, csv = synthetic_files
    for data, tables in (([hdf5, hdf5], [csv]), ([hdf5], [csv, csv]), ([seisbench], [csv])):
        with pytest.raises(UserError, match="need as many CSV files"):
            open_dataset(data, tables)
    with pytest.raises(UserError, match="need as many CSV files"):
        open_dataset([])
    with pytest.raises(UserError, match=r"neither\.csv does not exist"):
        open_dataset(hdf5, hdf5.with_name("neither.csv"))


def test_the_table_beside_a_link(write, tmp_path):
    """A selection of one's own beside a link to the waveforms on another disk."""
    hdf5, csv = write({"A_EV": {}, "B_EV": {}, "C_NO": {}})
    own = tmp_path / "own"
    own.mkdir()
    (own / "merged.hdf5").symlink_to(hdf5)
    lines = csv.read_text().splitlines()
    (own / "merged.csv").write_text("\n".join(lines[:2]) + "\n")
    with open_dataset(existing_path(str(own / "merged.hdf5"))) as dataset:
        assert dataset.table.name.tolist() == ["A_EV"]
