"""Batches at once: the same results in the same order, errors come through, nothing runs far ahead."""

from __future__ import annotations

import time

import numpy as np
import pytest
from records import record, small_model, times

from minieqt.picking import pick, windows
from minieqt.picking.parallel import in_order


@pytest.mark.parametrize("count", [1, 2, 5])
def test_order(count):
    def slow_for_even(n):
        time.sleep(0.002 * (n % 2 == 0))
        return n * n

    assert list(in_order(slow_for_even, range(20), count)) == [(n, n * n) for n in range(20)]
    assert list(in_order(slow_for_even, [], count)) == []


def test_no_further_ahead_than_it_may():
    taken = []
    results = in_order(lambda n: n, (taken.append(n) or n for n in range(50)), 2)
    next(results)
    assert len(taken) <= 4
    results.close()


@pytest.mark.parametrize("count", [1, 2])
def test_errors_come_through(count):
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda n: 1 // n, [1, 0, 2], count))


def test_threads_change_nothing(monkeypatch):
    found = []
    for count in (1, 3):
        monkeypatch.setattr(windows, "threads", lambda count=count: count)
        found.append(pick.pick(record(120), small_model(), batch_size=4, detection_threshold=0.4)[1])
    assert len(found[0]) > 4
    assert [row[:4] for row in times(found[0])] == [row[:4] for row in times(found[1])]
    np.testing.assert_allclose([one.probability for one in found[0]], [one.probability for one in found[1]], atol=1e-6)
