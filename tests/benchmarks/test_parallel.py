"""The benchmark of several processes: what its ranks measure, and the table of what they have."""

from __future__ import annotations

import time

import numpy as np
import parallel
from rings import together


def test_waiting_and_adding_are_told_apart():
    def work(rank):
        timed, array = parallel.Timed(rank), np.ones(1000)
        time.sleep(0.2 * rank.rank)
        timed.all_reduce(array)
        assert (array == 2).all()
        return timed.waiting, timed.adding

    (early, adding), (late, _) = together(2, work)
    assert early > 0.15 and early - late > 0.1 > adding


def test_all_sizes_are_timed(monkeypatch):
    monkeypatch.setattr(parallel, "SIZES", (4, 4096))
    for found in together(2, parallel.sums):
        assert found.keys() == {4, 4096} and all(0 < seconds < 1 for seconds in found.values())


def test_the_table():
    column = {"4": 20e-6, "4000000": 2e-3}
    result = {
        "machine": "2026-01-01, a processor",
        "processors": 2,
        "batch": 64,
        "rounds": 3,
        "race": {parallel.ONE: [99.0, 100.0, 120.0], parallel.TWO: [180.0, 170.0, 181.0], parallel.THREADS: [190.0]},
        "steps": {"1": [[0.3, 0.0, 0.0]], "2": [[0.4, 0.02, 0.002]]},
        "sums": {"ring": {"2": column, "3": column}},
    }
    text = parallel.table(result)
    assert "2 workers, 1 thread each      180.0 (170.0 to 181.0)    1.80 ×" in text
    assert "2          400.0    20.00    2.00              0.50%" in text
    assert "all-reduce by ring, ms (of 3 ranks: on 2 processors)" in text
    assert "4,000,000       2.000       2.000" in text
