"""Intervals: they hold the truth as often as they say, know events from windows, and say nothing about nothing."""

from __future__ import annotations

import numpy as np
import pytest
from small_windows import random_case

from minieqt.evaluation.bootstrap import f1_differences, intervals, quantiles
from minieqt.evaluation.metrics import Outcomes, PhaseScore
from minieqt.evaluation.sweep import outcomes


def shares(right, events=None):
    """Outcomes of a detector that finds or misses, and never cries wolf."""
    right = np.asarray(right, bool)
    no = np.zeros(len(right), bool)
    return Outcomes(right, no, ~right, no), np.arange(len(right)) if events is None else events


def test_they_hold_the_measure_itself(rng):
    found, windows = random_case(rng)
    score = PhaseScore(0.5)
    score.update(found.picks("P", 0.3), windows.p_sample, ~windows.earthquake)
    report = score.report()
    result = intervals(outcomes(found, windows, "P", 0.3, 0.5), windows.event)
    assert result.keys() == {"precision", "recall", "f1", "mean_s", "std_s", "mae_s", "mape"}
    for measure, (low, high) in result.items():
        assert low < report[measure] < high, measure


def test_coverage(rng):
    """Of many data sets of 60 earthquakes with recall 0.8, about 95 % have an interval that holds 0.8."""
    held = 0
    for trial in range(300):
        low, high = intervals(*shares(rng.random(60) < 0.8), seed=trial, resamples=300)["recall"]
        held += low <= 0.8 <= high
    assert 0.89 <= held / 300 <= 0.98  # the percentile interval of a share is known to be a little short


def test_width_as_theory_has_it():
    """The normal approximation of a share: ± 1.96 sqrt(p (1 − p) / n)."""
    low, high = intervals(*shares(np.arange(1000) < 700))["recall"]
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.7 * 0.3 / 1000), rel=0.1)


def test_windows_of_one_event_are_one_piece_of_evidence():
    right = np.repeat(np.arange(50) % 5 != 0, 10)  # fifty events, ten windows each, all of a kind
    width = {
        name: np.subtract(*intervals(*shares(right, events))["recall"][::-1])
        for name, events in (("windows", None), ("events", np.repeat(np.arange(50), 10)))
    }
    assert width["events"] == pytest.approx(np.sqrt(10) * width["windows"], rel=0.15)


def test_same_seed_same_interval():
    case = shares(np.arange(997) % 3 > 0)
    first, again, other = (intervals(*case, seed=seed, resamples=50)["recall"] for seed in (4, 4, 5))
    assert first == again != other


def test_nothing_found():
    result = intervals(*shares([False, False]))
    assert result["recall"] == (0, 0) and np.isnan(result["precision"]).all()
    empty = np.zeros(0, bool)
    assert np.isnan(intervals(Outcomes(empty, empty, empty, empty), np.zeros(0))["f1"]).all()


def test_a_difference_of_f1(rng):
    """Of the same windows before and after, in which the same events are drawn."""
    right = (rng.random(200) < 0.7).astype(float)
    before = np.stack([right, 0 * right, 1 - right], axis=1)
    found = np.where(np.arange(200) % 2, 1, right)
    after = np.stack([found, 0 * found, 1 - found], axis=1)
    events = np.arange(200) // 2
    differences = f1_differences(before, after, events)
    f1 = [2 * each.sum() / (each.sum() + 200) for each in (right, found)]
    assert differences[0] == pytest.approx(f1[1] - f1[0])
    low, high = quantiles(differences[1:], 0.025, 0.975)
    assert 0 < low < differences[0] < high
    assert (f1_differences(before, before, events) == 0).all()
