"""Which noise a window gets: decided by counters alone, out of the split's own noise."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.augmentation import Augmentation
from minieqt.data.partners import NOBODY, Partners
from minieqt.errors import UserError

HALF = Augmentation(real_noise=0.5)


def test_partners_are_noise_of_the_split(dataset):
    table, rows = dataset.table, np.arange(5, 40)
    found = np.concatenate([Partners(table, rows, HALF, seed).of(rows, np.zeros(35)) for seed in range(60)])
    paired = found[found != NOBODY]
    assert np.mean(found != NOBODY) == pytest.approx(0.5, abs=0.04)
    assert set(paired.tolist()) == {row for row in rows.tolist() if not table.earthquake[row]}


def test_a_partner_depends_on_seed_epoch_and_row_only(dataset):
    partners = Partners(dataset.table, np.arange(40), HALF, seed=1)
    every, third = np.arange(40), np.full(40, 3)
    whole = partners.of(every, third)
    assert partners.of(np.array([7]), np.array([3])) == whole[7]
    mixed = partners.of(np.repeat(every, 2), np.tile([3, 4], 40))  # passes side by side
    np.testing.assert_array_equal(mixed[::2], whole)
    np.testing.assert_array_equal(mixed[1::2], partners.of(every, third + 1))
    shuffled = Partners(dataset.table, np.arange(40)[::-1].copy(), HALF, seed=1)
    np.testing.assert_array_equal(shuffled.of(every, third), whole)
    for other in (mixed[1::2], Partners(dataset.table, every, HALF, 2).of(every, third)):
        assert not np.array_equal(other, whole)


def test_nobody_without_the_augmentation(dataset):
    for rates in (None, Augmentation()):
        assert (Partners(dataset.table, np.arange(40), rates, 0).of(np.arange(4), np.zeros(4)) == NOBODY).all()


def test_a_split_without_noise(dataset):
    earthquakes = np.flatnonzero(dataset.table.earthquake)
    with pytest.raises(UserError, match="real_noise adds noise windows of the training split, and it has none"):
        Partners(dataset.table, earthquakes, HALF, 0)
