"""What an epoch takes of the data, and in which batches."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from minieqt.errors import UserError
from minieqt.training.config import Config
from minieqt.training.loaders import batch_size, check_arrivals, contributions, loaders, shares_of
from minieqt.training.run import open_data, synthetic


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """28 synthetic windows, dealt out trace by trace: 24, 1, 3."""
    hdf5, csv = synthetic(28, 1, tmp_path_factory.mktemp("data"))
    config = Config(data=str(hdf5), csv=str(csv), split="trace", batch_size=200, seed=1)
    return config, *open_data(config)


def test_a_batch_is_never_larger_than_the_training_set(opened):
    training, _, _ = loaders(*opened)
    assert training.batch_size == 48 and len(training) == 1


def test_only_training_windows_are_augmented(opened):
    training, validation, test = loaders(*opened)
    batches = [next(loader.epoch(0)) for loader in (training, validation, test)]
    assert [np.unique(np.unique(b.rows, return_counts=True)[1]).tolist() for b in batches] == [[2], [1], [1]]
    assert [b.rows.tolist() for b in batches[1:]] == [rows.tolist() for rows in opened[2][1:]]


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
    told = ["10 windows an epoch of one.hdf5, which has 18 to", "30 windows an epoch of two.hdf5, which has 8 to"]
    assert contributions(config, mixed) == [f"{line} train on" for line in told]
    assert contributions(replace(config, share=None), mixed) == []
    assert len(shares_of(replace(config, epoch_windows=None), np.arange(2, 28), sets)) == 26
    assert shares_of(replace(config, share=None, epoch_windows=None), np.arange(28), sets) is None
    with pytest.raises(UserError, match="--share gives 3 numbers for 2 entries of --data"):
        shares_of(replace(config, share="1 2 3"), np.arange(28), sets)
