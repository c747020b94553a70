"""Early stopping, on lists of validation losses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minieqt.training.early_stopping import best_epoch, should_stop


@pytest.mark.parametrize(
    ("losses", "stop"),
    [
        ([], False),
        ([1.0], False),
        ([1.0, 2.0], False),
        ([1.0, 2.0, 3.0], True),
        ([1.0, 1.0, 1.0], True),  # equal is no improvement
        ([1.0, 2.0, 0.9], False),
        ([3.0, 1.0, 2.0, 0.9999], False),
        ([3.0, 1.0, 2.0, 1.0001], True),
    ],
)
def test_patience_of_two(losses, stop):
    assert should_stop(losses, 2) == stop


def test_the_first_of_equals_is_the_best():
    assert best_epoch([2.0, 1.0, 1.0]) == 1


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=1, max_size=30), st.integers(1, 12))
def test_as_the_counter_of_keras(losses, patience):
    best, wait, stopped = float("inf"), 0, False
    for loss in losses:
        wait = 0 if loss < best else wait + 1
        best = min(best, loss)
        stopped = wait >= patience
    assert should_stop(losses, patience) == stopped
