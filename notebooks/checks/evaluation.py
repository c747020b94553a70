"""Exercises of chapter 13."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from course.checking import expect, expect_close

from minieqt.evaluation.metrics import Counts

RNG = np.random.default_rng(13)


def f1(answer: Any) -> None:
    """Return a number, or NaN."""
    expect_close(answer(3, 1, 2), 6 / 9, "F1 of 3 right, 1 false and 2 missed")
    expect(math.isnan(answer(0, 0, 0)), "where nothing was counted there is no F1: NaN")


def mean_absolute_error(answer: Any) -> None:
    """Return a number of seconds."""
    picks = np.array([120, 270, 900, -1, 400])
    arrivals = np.array([100.0, 300.0, 500.0, 20.0, np.nan])
    found = answer(picks, arrivals, 0.5)
    expect(not np.isclose(found, 25.0), "the error is wanted in seconds, a sample is a hundredth")
    expect(found < 1 or found > 20, "wrong picks do not count, only right ones")
    expect(not np.isclose(found, (0.2 + 0.3 + 0.21) / 3), "−1 says that there is no pick")
    expect_close(found, 0.25, "the mean of 0.2 s and 0.3 s, wanted in seconds,")


def runs(answer: Any) -> None:
    """Return a list of pairs."""
    curve = np.array([0, 1, 1, 1, 0, 1, 0, 1, 1], float)
    found = [tuple(int(edge) for edge in run) for run in answer(curve, 0.5, 2)]
    expect((5, 6) not in found, "the run of one sample is shorter than 2 samples")
    expect(found == [(1, 4), (7, 9)], f"in {curve.astype(int).tolist()} the runs are [(1, 4), (7, 9)], not {found}")
    expect(len(answer(np.zeros(5), 0.5, 1)) == 0, "where nothing reaches the threshold there is no run")


def best_threshold(answer: Any) -> None:
    """Return one of the scores."""
    scores = np.array([0.9, 0.2, 0.8, 0.4, 0.3, 0.1])
    earthquake = np.array([True, False, False, True, True, True])

    def value(threshold: float) -> float:
        found = scores >= threshold
        right, false, missed = (int(x.sum()) for x in (found & earthquake, found & ~earthquake, ~found & earthquake))
        return Counts(right, false, missed).f1

    found = answer(scores, earthquake)
    best = min(sorted(scores), key=lambda threshold: -value(threshold))
    expect(found in scores, f"{found} is none of the scores")
    expect(found == best, f"{found} gives F1 = {value(found):.2f}, {best} gives {value(best):.2f}")
    found = answer(np.array([0.5, 0.4, 0.3, 0.2]), np.array([True, False, False, True]))
    expect(found == 0.2, f"of scores where 0.5 and 0.2 give the same F1 you take {found}: of equals the lowest")
