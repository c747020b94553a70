"""Calls at once: the same results in the same order, errors come through, nothing runs far ahead, nothing aborts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import pytest
from records import record, small_model, times

from minieqt.picking import pick, probabilities
from minieqt.workers import in_order


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_order(workers):
    def slow_for_even(n):
        time.sleep(0.002 * (n % 2 == 0))
        return n * n

    assert list(in_order(slow_for_even, range(20), workers)) == [(n, n * n) for n in range(20)]
    assert list(in_order(slow_for_even, [], workers)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_no_further_ahead_than_it_may(workers):
    taken = []
    results = in_order(lambda n: n, (taken.append(n) or n for n in range(50)), workers)
    next(results)
    assert len(taken) == workers + 1
    results.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_come_through(workers):
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda n: 1 // n, [1, 0, 2], workers))


def test_kernels_share_the_threads():
    total = numba.get_num_threads()
    assert list(in_order(lambda _: numba.get_num_threads(), [0], 1)) == [(0, total)]
    assert list(in_order(lambda _: numba.get_num_threads(), [0], total)) == [(0, 1)]
    assert numba.get_num_threads() == total


def test_workers_change_nothing(monkeypatch):
    found = []
    options = {"batch_size": 4, "detection_threshold": 0.4, "rule": "eqtransformer"}
    for alone in (True, False):
        monkeypatch.setattr(probabilities, "kernels_may_meet", lambda alone=alone: not alone)
        found.append(pick.pick(record(120), small_model(), **options)[1])
    assert len(found[0]) > 4
    assert [row[:4] for row in times(found[0])] == [row[:4] for row in times(found[1])]
    np.testing.assert_allclose([one.probability for one in found[0]], [one.probability for one in found[1]], atol=1e-6)


TWO_AT_ONCE = """
from concurrent.futures import ThreadPoolExecutor
import numba
from records import record, small_model
from minieqt import pick
assert numba.get_num_threads() == 2
assert numba.threading_layer() == "workqueue"
with ThreadPoolExecutor(2) as pool:
    calls = [pool.submit(pick, record(120), small_model(), batch_size=2, samples=n) for n in (0, 0, 2, 0)]
    print([len(call.result()[0]) for call in calls])
"""


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one processor: nothing runs in parallel")
def test_workqueue_never_meets_two_threads():
    """That layer aborts the process where two threads call parallel kernels; two picks at once must not."""
    root = Path(__file__).parents[1]
    surroundings = os.environ | {
        "NUMBA_THREADING_LAYER": "workqueue",
        "NUMBA_NUM_THREADS": "2",
        "PYTHONPATH": f"{root}:{root / 'tests' / 'picking'}",
    }
    done = subprocess.run([sys.executable, "-c", TWO_AT_ONCE], env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[")
