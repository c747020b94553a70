"""The pieces of a run that need no training (whole runs: tests/test_train.py)."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from minieqt.errors import UserError
from minieqt.training.config import Config
from minieqt.training.run import (
    batch_size,
    check_arrivals,
    check_split,
    loaders,
    open_data,
    shares_of,
    synthetic,
    write_split,
)


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


def test_a_batch_is_never_larger_than_the_training_set(opened):
    training, _, _ = loaders(*opened)
    assert training.batch_size == 48 and len(training) == 1


def test_only_training_windows_are_augmented(opened):
    training, validation, test = loaders(*opened)
    batches = [next(loader.epoch(0)) for loader in (training, validation, test)]
    assert [np.unique(np.unique(b.rows, return_counts=True)[1]).tolist() for b in batches] == [[2], [1], [1]]
    assert [b.rows.tolist() for b in batches[1:]] == [rows.tolist() for rows in opened[2][1:]]


def test_split_lists(opened, tmp_path):
    _, dataset, parts, _ = opened
    write_split(tmp_path, dataset, parts)
    assert (tmp_path / "test.txt").read_text().split() == dataset.table.name[parts[2]].tolist()
    check_split(tmp_path, dataset, parts)
    with pytest.raises(UserError, match=r"the data have changed.*training\.txt"):
        check_split(tmp_path, dataset, (parts[0][1:], *parts[1:]))


@pytest.mark.parametrize(
    "asked, windows, expected",
    [
        (None, 2_000_000, 200),  # STEAD: the paper's
        (None, 288, 18),  # a small set: sixteen steps an epoch
        (None, 40, 8),
        (None, 6, 6),  # never more than there is
        (64, 288, 64),
        (64, 48, 48),
    ],
)
def test_batch_size(asked, windows, expected):
    assert batch_size(Config(batch_size=asked), windows) == expected


def test_nothing_to_learn_from_or_to_choose_by(opened):
    config, dataset, parts, _ = opened
    quake = np.isfinite(dataset.table.p_sample)
    noise, quakes = np.flatnonzero(~quake), np.flatnonzero(quake)
    check_arrivals(config, dataset.table, (quakes, noise, parts[2]))
    with pytest.raises(UserError, match=rf"none of the {len(noise)} training windows has a P or S arrival"):
        check_arrivals(config, dataset.table, (noise, quakes, parts[2]))
    with pytest.raises(UserError, match="--select picks needs arrivals"):
        check_arrivals(replace(config, select="picks"), dataset.table, (quakes, noise, parts[2]))


def test_shares_of_the_entries_of_data(opened):
    config = replace(opened[0], data=os.pathsep.join(("one.hdf5", "two.hdf5")), share="1 3", epoch_windows=40)
    sets = np.repeat([0, 1], [20, 8])
    mixed = shares_of(config, np.arange(2, 28), sets)
    assert mixed.counts == (10, 30) and [g.tolist() for g in mixed.groups] == [[*range(2, 20)], [*range(20, 28)]]
    assert len(shares_of(replace(config, epoch_windows=None), np.arange(2, 28), sets)) == 26
    assert shares_of(replace(config, share=None, epoch_windows=None), np.arange(28), sets) is None
    with pytest.raises(UserError, match="--share gives 3 numbers for 2 entries of --data"):
        shares_of(replace(config, share="1 2 3"), np.arange(28), sets)
