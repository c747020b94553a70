"""Several files, one data set."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data import Augmentation, Loader, open_dataset
from minieqt.data.synthetic import write_stead


@pytest.fixture
def chunks(tmp_path):
    for number in range(3):
        write_stead(tmp_path / f"{number}.hdf5", tmp_path / f"{number}.csv", count=8, seed=number)
    return [tmp_path / f"{i}.hdf5" for i in range(3)], [tmp_path / f"{i}.csv" for i in range(3)]


def test_chunks_follow_each_other(chunks, rng):
    parts = [open_dataset(*pair) for pair in zip(*chunks, strict=True)]
    with open_dataset(*chunks) as dataset:
        names = np.concatenate([part.table.name for part in parts]).tolist()
        twice = len(names) - len(set(names))
        assert dataset.table.name.tolist() == list(dict.fromkeys(names))
        assert dataset.skipped == ({"name that stands in two files": twice} if twice else {})
        place = {name: (part, row) for part in parts[::-1] for row, name in enumerate(part.table.name.tolist())}
        rows = rng.permutation(len(dataset))
        out = np.empty((len(rows), 3, 6000), np.float32)
        assert dataset.read_into(rows, out) == {}
        for row, x in zip(rows, out, strict=True):
            part, there = place[dataset.table.name[row]]
            np.testing.assert_array_equal(x, part.read(there))
            np.testing.assert_array_equal(x, dataset.read(row))
        batches = list(Loader(dataset, np.arange(len(dataset)), 8, augmentation=Augmentation()).epoch(0))
        assert sum(len(batch.rows) for batch in batches) == 2 * len(dataset)


def test_a_name_in_two_files_counts_once(chunks):
    hdf5, csv = chunks
    with open_dataset([hdf5[0], hdf5[0]], [csv[0], csv[0]]) as dataset:
        assert len(dataset) == 8 and dataset.skipped == {"name that stands in two files": 8}
        assert "8 × name that stands in two files" in dataset.report()
