"""The table, and what a window must be."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.table import TEXT, BadTrace, as_window, describe, first_of_each


def test_take_keeps_the_columns_in_step(dataset):
    rows = np.array([3, 1, 8])
    taken = dataset.table.take(rows)
    assert len(taken) == 3
    assert taken.name.tolist() == dataset.table.name[rows].tolist()
    np.testing.assert_array_equal(taken.snr_db, dataset.table.snr_db[rows])
    assert len(dataset.table.take(dataset.table.earthquake)) == 28


def test_the_first_of_each_name():
    assert first_of_each(np.array(["b", "a", "c"], TEXT)).tolist() == [0, 1, 2]
    assert first_of_each(np.array(["b", "a", "b", "c", "a", "a"], TEXT)).tolist() == [0, 1, 3]


def test_a_window_is_turned_and_cast(rng):
    samples = rng.standard_normal((6000, 3))
    window = as_window("A", samples)
    assert window.dtype == np.float32 and window.flags.c_contiguous
    np.testing.assert_array_equal(window, samples.T.astype(np.float32))


@pytest.mark.parametrize(
    "samples, reason",
    [
        (np.zeros((3000, 3)), "wrong shape"),
        (np.zeros((3, 6000)), "wrong shape"),
        (np.zeros(6000), "wrong shape"),
        (np.full((6000, 3), np.nan), "NaN or infinity"),
        (np.where(np.arange(18000).reshape(6000, 3) == 5, np.inf, 0), "NaN or infinity"),
        (np.full((6000, 3), 1e300), "NaN or infinity"),  # more than float32 holds
    ],
)
def test_a_bad_window_says_why(samples, reason):
    with pytest.raises(BadTrace, match="trace A ") as caught:
        as_window("A", samples)
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)


def test_describe():
    assert describe({"wrong shape": 3, "NaN": 1}, {"wrong shape": "A", "NaN": "B"}) == (
        "3 × wrong shape (first A), 1 × NaN (first B)"
    )
