"""Which noise or earthquake a window gets: decided by counters alone, out of the split's own."""

from __future__ import annotations

from dataclasses import replace

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


def test_earthquakes_meet_whole_and_loud_ones_of_the_split(dataset):
    table, rows = dataset.table, np.arange(5, 40)
    loud = table.earthquake & (np.arange(len(table)) % 3 > 0)
    table = replace(table, snr_db=np.where(loud, 12.0, 8.0)[:, None] * np.ones(3))
    rates = Augmentation(real_noise=0.3, other_event=0.5)
    found = np.stack([Partners(table, rows, rates, seed).of(rows, np.zeros(35)) for seed in range(80)])
    paired = found != NOBODY
    event = paired & table.earthquake[found]
    assert set(found[event].tolist()) == set(rows[loud[rows]].tolist())
    assert not event[:, ~loud[rows]].any()  # a faint one's own labels are not sure enough, nor are there any in noise
    assert event[:, loud[rows]].mean() == pytest.approx(0.5, abs=0.04)
    assert (paired & ~event).mean() == pytest.approx(0.3, abs=0.04)
    alone = Augmentation(real_noise=0.3)
    for seed in range(5):  # who gets noise, gets the same as without other events
        noise = Partners(table, rows, alone, seed).of(rows, np.zeros(35))
        np.testing.assert_array_equal(found[seed][noise != NOBODY], noise[noise != NOBODY])


def test_nobody_without_the_augmentation(dataset):
    for rates in (None, Augmentation()):
        assert (Partners(dataset.table, np.arange(40), rates, 0).of(np.arange(4), np.zeros(4)) == NOBODY).all()


def test_a_split_without_noise(dataset):
    earthquakes = np.flatnonzero(dataset.table.earthquake)
    with pytest.raises(UserError, match="real_noise adds noise windows of the training split, and it has none"):
        Partners(dataset.table, earthquakes, HALF, 0)


def test_a_split_without_a_whole_earthquake(dataset):
    noise = np.flatnonzero(~dataset.table.earthquake)
    with pytest.raises(UserError, match="other_event adds earthquakes of the training split, and none of it has P, S"):
        Partners(dataset.table, noise, Augmentation(other_event=0.1), 0)
