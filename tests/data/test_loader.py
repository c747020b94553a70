"""Batches: what is in them, in which order, and what becomes of bad traces."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from minieqt.data import Augmentation, Loader, make_labels, normalise, open_dataset
from minieqt.errors import UserError

EVERYTHING = Augmentation(1, 1, 1, 1, 0.5, 1, 1, 0.97)
MIXED = replace(EVERYTHING, real_noise=0.8)


def windows_of(loader, epoch=0):
    """{(row, which copy): (window, labels)} of a whole epoch."""
    windows = {}
    for batch in loader.epoch(epoch):
        for x, labels, row in zip(batch.x, batch.labels, batch.rows.tolist(), strict=True):
            windows[row, int((row, 0) in windows)] = x, labels
    return windows


def test_a_plain_batch_is_what_was_recorded(dataset):
    table = dataset.table
    loader = Loader(dataset, np.arange(40), batch_size=16, shuffle=False)
    batches = list(loader.epoch(0))
    assert len(loader) == len(batches) == 3 and [batch.number for batch in batches] == [0, 1, 2]
    assert [len(batch.rows) for batch in batches] == [16, 16, 8]
    assert np.concatenate([batch.rows for batch in batches]).tolist() == list(range(40))
    for batch in batches:
        assert batch.x.dtype == batch.labels.dtype == np.float32
        assert batch.x.shape == batch.labels.shape == (len(batch.rows), 3, 6000)
        for x, labels, row in zip(batch.x, batch.labels, batch.rows, strict=True):
            np.testing.assert_allclose(x, normalise(dataset.read(row)), atol=1e-4)
            np.testing.assert_array_equal(labels, make_labels(table.p_sample[row], table.s_sample[row]))


def test_the_label_shape_is_passed_on(dataset):
    batch = next(iter(Loader(dataset, [0], label_shape="box").epoch(0)))
    assert set(np.unique(batch.labels)) == {0, 1}


def test_with_augmentation_every_trace_comes_twice(dataset):
    rows = np.arange(5, 35)
    loader = Loader(dataset, rows, batch_size=8, augmentation=EVERYTHING)
    assert len(loader) == 8
    seen = []
    for batch in loader.epoch(0):
        assert len(batch.rows) in (8, 4)
        np.testing.assert_array_equal(batch.rows[0::2], batch.rows[1::2])
        seen += batch.rows[0::2].tolist()
        for row, plain, augmented in zip(batch.rows[0::2], batch.x[0::2], batch.x[1::2], strict=True):
            assert not np.array_equal(plain, augmented), row
        alive = batch.x.any(axis=-1)
        np.testing.assert_allclose(batch.x.mean(axis=-1, dtype=np.float64), 0, atol=1e-6)
        np.testing.assert_allclose(batch.x.std(axis=-1, dtype=np.float64), alive, atol=1e-5)
    assert sorted(seen) == rows.tolist()


@pytest.mark.parametrize("augmentation", [None, EVERYTHING])
def test_a_window_does_not_depend_on_the_company_it_keeps(dataset, augmentation):
    many = windows_of(Loader(dataset, np.arange(40), batch_size=20, augmentation=augmentation), epoch=3)
    few = windows_of(
        Loader(dataset, np.arange(10, 20), batch_size=2, augmentation=augmentation, shuffle=False), epoch=3
    )
    assert len(few) == (20 if augmentation else 10)
    for key, (x, labels) in few.items():
        np.testing.assert_array_equal(x, many[key][0])
        np.testing.assert_array_equal(labels, many[key][1])


def test_augmented_copies_alone_are_those_of_the_pairs(dataset):
    rows = np.arange(5, 35)
    pairs = windows_of(Loader(dataset, rows, batch_size=8, augmentation=MIXED))
    alone = windows_of(Loader(dataset, rows, batch_size=7, augmentation=MIXED, copies="augmented"))
    assert len(alone) == 30
    for row in rows.tolist():
        np.testing.assert_array_equal(alone[row, 0][0], pairs[row, 1][0])
        np.testing.assert_array_equal(alone[row, 0][1], pairs[row, 1][1])


def test_epochs_and_seeds_differ(dataset):
    options = {"batch_size": 20, "augmentation": EVERYTHING}
    first = windows_of(Loader(dataset, np.arange(10), seed=1, **options), epoch=0)
    for other in (
        windows_of(Loader(dataset, np.arange(10), seed=1, **options), epoch=1),
        windows_of(Loader(dataset, np.arange(10), seed=2, **options), epoch=0),
    ):
        assert not any(np.array_equal(first[row, 1][0], other[row, 1][0]) for row in range(10))


def test_an_epoch_goes_on_where_it_stopped(dataset):
    loader = Loader(dataset, np.arange(40), batch_size=8, augmentation=Augmentation())
    whole = list(loader.epoch(2))
    rest = list(Loader(dataset, np.arange(40), batch_size=8, augmentation=Augmentation()).epoch(2, first_batch=6))
    assert len(whole) == 10 and [batch.number for batch in rest] == [6, 7, 8, 9]
    for one, other in zip(whole[6:], rest, strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.labels, other.labels)


def test_shuffling(dataset):
    rows = np.arange(5, 35)
    loader = Loader(dataset, rows, seed=3)
    assert sorted(loader.order(0)[0]) == rows.tolist() != loader.order(0)[0].tolist()
    assert loader.order(0)[0].tolist() != loader.order(1)[0].tolist()
    assert loader.order(0)[0].tolist() == Loader(dataset, rows, batch_size=2, seed=3).order(0)[0].tolist()
    # what is left out does not change the order of the rest
    fewer = Loader(dataset, rows[::2], seed=3).order(0)[0].tolist()
    assert fewer == [row for row in loader.order(0)[0].tolist() if row in fewer]
    assert Loader(dataset, rows, shuffle=False).order(1)[0].tolist() == rows.tolist()


def test_labels_follow_in_real_use(shared):
    with open_dataset(shared / "data/stead50.hdf5", shared / "data/stead50.csv") as dataset:
        loader = Loader(dataset, np.arange(50), batch_size=20, augmentation=Augmentation())
        events = 0
        for batch in loader.epoch(0):
            assert np.isfinite(batch.x).all()
            for labels, row in zip(batch.labels, batch.rows, strict=True):
                peaks = np.flatnonzero(labels[1] == 1)
                events += len(peaks)
                assert 1 <= len(peaks) <= 2
                s = peaks + dataset.table.s_sample[row] - dataset.table.p_sample[row]
                np.testing.assert_allclose(labels[2, s.astype(int)], 1)
                assert all(labels[0, int(a) : int(b)].all() for a, b in zip(peaks, s, strict=True))
        assert events > 100  # second events among them


def test_bad_traces_are_left_out_and_counted(write):
    nan, short = np.zeros((6000, 3)), np.zeros((3000, 3))
    nan[5, 2] = np.nan
    traces = {f"A.XX_{i}_EV": {} for i in range(6)}
    traces |= {"B.XX_1_EV": {"samples": nan}, "C.XX_1_NO": {"samples": short}, "C.XX_2_NO": {"samples": short}}
    with open_dataset(*write(traces)) as dataset:
        loader = Loader(dataset, np.arange(9), batch_size=6, augmentation=Augmentation())
        for _ in range(2):
            batches = list(loader.epoch(0))
            assert sorted(np.concatenate([batch.rows for batch in batches])) == sorted([*range(6), *range(6)])
            assert all(np.isfinite(batch.x).all() for batch in batches)
            assert loader.skipped == {"NaN or infinity": {"B.XX_1_EV"}, "wrong shape": {"C.XX_1_NO", "C.XX_2_NO"}}
        assert "1 × NaN or infinity (first B.XX_1_EV)" in loader.report()
        assert "2 × wrong shape (first C.XX_1_NO)" in loader.report()


def test_a_batch_without_a_usable_trace_is_left_out(write):
    traces = {f"A.XX_{i}_EV": {"samples": np.zeros((10, 3))} if i in (2, 3) else {} for i in range(6)}
    with open_dataset(*write(traces)) as dataset:
        batches = list(Loader(dataset, np.arange(6), batch_size=2, shuffle=False).epoch(0))
        assert [batch.number for batch in batches] == [0, 2]


def test_a_data_set_without_a_usable_trace_is_an_error(write):
    with open_dataset(*write({f"A.XX_{i}_EV": {"samples": np.zeros((10, 3))} for i in range(3)})) as dataset:
        with pytest.raises(UserError, match=r"none of the first 3 traces .* 3 × wrong shape \(first A.XX_0_EV\)"):
            list(Loader(dataset, np.arange(3), batch_size=2).epoch(0))


@pytest.mark.parametrize(
    "rows, batch_size, augmentation, message",
    [
        ([], 4, None, "split is empty"),
        ([0], 0, None, "at least 1"),
        ([0], 3, Augmentation(), "even with augmentation"),
    ],
)
def test_settings_that_cannot_work(dataset, rows, batch_size, augmentation, message):
    with pytest.raises(UserError, match=message):
        Loader(dataset, rows, batch_size, augmentation=augmentation)


def test_an_odd_batch_is_fine_without_augmentation(dataset):
    assert len(next(iter(Loader(dataset, np.arange(9), batch_size=3).epoch(0))).rows) == 3


@pytest.mark.parametrize("augmentation", [None, EVERYTHING, MIXED])
def test_the_number_of_threads_changes_nothing(dataset, augmentation):
    epochs = [
        list(Loader(dataset, np.arange(40), 8, augmentation=augmentation, threads=threads).epoch(1))
        for threads in (0, 1, 3)
    ]
    assert len({len(batches) for batches in epochs}) == 1
    for same in zip(*epochs, strict=True):
        for batch in same[1:]:
            assert batch.number == same[0].number
            np.testing.assert_array_equal(batch.x, same[0].x)
            np.testing.assert_array_equal(batch.labels, same[0].labels)
            np.testing.assert_array_equal(batch.rows, same[0].rows)


def test_real_noise_does_not_depend_on_the_company(dataset):
    """The same windows in small batches, from the middle of an epoch, by several threads; and noise was added."""
    rows = np.arange(40)
    loader = partial(Loader, dataset, rows, augmentation=MIXED, seed=1)
    many, few = windows_of(loader(batch_size=40), 2), windows_of(loader(batch_size=4, shuffle=False, threads=2), 2)
    for key, (x, labels) in few.items():
        np.testing.assert_array_equal(x, many[key][0])
        np.testing.assert_array_equal(labels, many[key][1])
    whole, rest = loader(batch_size=8).epoch(2), loader(batch_size=8).epoch(2, first_batch=6)
    for one, other in zip(list(whole)[6:], rest, strict=True):
        np.testing.assert_array_equal(one.x, other.x)
    without = windows_of(Loader(dataset, rows, 40, augmentation=EVERYTHING, seed=1), 2)
    differ = [not np.array_equal(without[row, 1][0], many[row, 1][0]) for row in rows.tolist()]
    assert any(differ) and not all(differ)
    assert all(np.array_equal(without[row, 0][0], many[row, 0][0]) for row in rows.tolist())


def test_noise_that_cannot_be_read_is_not_added(write):
    traces = {f"A.XX_{i}_EV": {} for i in range(4)} | {"B.XX_1_NO": {"samples": np.full((6000, 3), np.nan)}}
    with open_dataset(*write(traces)) as dataset:
        epochs = [
            windows_of(Loader(dataset, np.arange(5), 10, augmentation=augmentation))
            for augmentation in (replace(EVERYTHING, real_noise=1), EVERYTHING)
        ]
        assert len(epochs[0]) == 8
        for key, (x, _) in epochs[0].items():
            np.testing.assert_array_equal(x, epochs[1][key][0])


@pytest.mark.parametrize("ranks", [2, 3])
def test_shards_make_up_the_batch(dataset, ranks):
    rows = np.arange(37)
    whole = list(Loader(dataset, rows, 8, augmentation=MIXED).epoch(2))
    shards = [list(Loader(dataset, rows, 8, augmentation=MIXED, shard=(rank, ranks)).epoch(2)) for rank in range(ranks)]
    for batch, *parts in zip(whole, *shards, strict=True):  # every rank has as many batches, even if one is empty
        np.testing.assert_array_equal(np.concatenate([part.rows for part in parts]), batch.rows)
        np.testing.assert_array_equal(np.concatenate([part.x for part in parts]), batch.x)
        np.testing.assert_array_equal(np.concatenate([part.labels for part in parts]), batch.labels)
    with pytest.raises(UserError, match="cannot be cut for rank 4 of 5"):
        Loader(dataset, rows, 8, augmentation=MIXED, shard=(4, 5))


def test_reading_ahead_is_bounded_and_ends_with_the_epoch(dataset, monkeypatch):
    made = []
    load = Loader._load
    monkeypatch.setattr(Loader, "_load", lambda self, *args: made.append(args[-1]) or load(self, *args))
    before = threading.active_count()
    epoch = Loader(dataset, np.arange(40), 2, threads=2).epoch(0)
    next(epoch)
    time.sleep(0.2)
    assert len(made) <= 4  # two being made, one waiting, one given
    epoch.close()
    assert threading.active_count() == before


def test_an_error_in_a_thread_is_the_callers(dataset, monkeypatch):
    def broken(rows, out):
        raise MemoryError("no room")

    monkeypatch.setattr(dataset, "read_into", broken)
    with pytest.raises(MemoryError, match="no room"):
        list(Loader(dataset, np.arange(4), 2).epoch(0))
