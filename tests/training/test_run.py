"""The pieces of a run that need no training (whole runs: tests/test_train.py)."""

from __future__ import annotations

import pytest

from minieqt.errors import UserError
from minieqt.training.config import Config
from minieqt.training.run import check_split, open_data, synthetic, write_split


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """28 synthetic windows, dealt out trace by trace: 24, 1, 3."""
    hdf5, csv = synthetic(28, 1, tmp_path_factory.mktemp("data"))
    config = Config(data=str(hdf5), csv=str(csv), split="trace", batch_size=200, seed=1)
    return config, *open_data(config)


def test_the_synthetic_set_is_made_once(tmp_path):
    files = synthetic(10, 4, tmp_path / "data")
    times = [path.stat().st_mtime_ns for path in files]
    assert synthetic(10, 4, tmp_path / "data") == files
    assert [path.stat().st_mtime_ns for path in files] == times
    assert synthetic(10, 5, tmp_path / "data") != files


def test_a_half_made_set_is_made_again(tmp_path):
    hdf5, csv = synthetic(10, 4, tmp_path)
    before = csv.read_bytes()
    csv.unlink()
    synthetic(10, 4, tmp_path)
    assert csv.read_bytes() == before and hdf5.exists()


def test_split_lists(opened, tmp_path):
    _, dataset, parts, _ = opened
    write_split(tmp_path, dataset, parts)
    assert (tmp_path / "test.txt").read_text().split() == dataset.table.name[parts[2]].tolist()
    check_split(tmp_path, dataset, parts)
    with pytest.raises(UserError, match=r"the data have changed.*training\.txt"):
        check_split(tmp_path, dataset, (parts[0][1:], *parts[1:]))
