"""Tuning: nothing is scored by what it has tuned, and the best of the candidates is taken."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from small_windows import NAN, answers, table

from minieqt.errors import UserError
from minieqt.evaluation import tuning
from minieqt.evaluation.baselines import choices
from minieqt.evaluation.metrics import Evaluation
from minieqt.evaluation.tuning import halves, relative, trials, tune, tuned_baselines


def test_halves_share_no_event():
    windows = table(np.full(20, 1000.0), event=np.repeat([f"e{i}" for i in range(10)], 2).astype("T"))
    (training, rows), (other, same) = halves(windows, np.arange(20))
    assert not set(windows.event[training]) & set(windows.event[rows])
    assert sorted([*training, *rows]) == list(range(20))
    assert training.tolist() == same.tolist() and other.tolist() == rows.tolist()
    with pytest.raises(UserError, match="only one"):
        halves(table([1000.0, 1000.0], event=np.array(["a", "a"]).astype("T")), np.arange(2))


def test_the_best_candidate_at_its_best_threshold():
    windows = table([1000, 1000, 1000, NAN])
    bad = answers([0] * 4, [(1000, 9), (3000, 9), (3000, 9), (50, 9)])
    good = answers([0] * 4, [(1000, 9), (1000, 8), (1000, 7), (50, 5)])
    parts = [type(bad)({"P": one.heights["P"]}, {"P": one.samples["P"]}) for one in (bad, good, good)]
    candidates = list(choices("Baer"))[:3]
    chosen, thresholds = tune("Baer", windows, candidates, parts)
    assert chosen is candidates[1] and thresholds == {"P": 7}
    shifted = relative(parts[1], thresholds)
    assert shifted.picks("P", 0).tolist() == [1000, 1000, 1000, -1]


def test_nothing_to_learn_from_says_nothing():
    noise = table([NAN, NAN])
    one = answers([0, 0], [(50, 5), (60, 6)])
    part = type(one)({"P": one.heights["P"]}, {"P": one.samples["P"]})
    _, thresholds = tune("Baer", noise, [next(choices("Baer"))], [part])
    assert thresholds == {"P": np.inf}
    assert relative(part, thresholds).picks("P", 0).tolist() == [-1, -1]


def test_a_window_with_two_earthquakes_tunes_no_picks(dataset):
    rows = np.flatnonzero(dataset.table.earthquake)[:2]
    second = np.full(len(dataset), np.nan)
    second[rows[0]] = 5000
    two = copy(dataset)
    two.table = replace(dataset.table, second_p=second)
    windows, _, _ = trials(two, rows, 100, ("STA/LTA, classic",), 0)["STA/LTA, classic"]
    assert np.isnan(windows.p_sample).tolist() == [True, False] and windows.earthquake.all()


def test_on_synthetic_windows(dataset, monkeypatch):
    monkeypatch.setattr(tuning, "TUNING_WINDOWS", 10)
    names = ("STA/LTA, recursive", "AIC")
    rows = np.arange(len(dataset))
    found = {each.name: each for each in tuned_baselines(dataset, halves(dataset.table, rows), names=names)}
    assert list(found) == list(names) and all(len(each.answers) == len(dataset) for each in found.values())
    assert "the other half" in found["AIC"].how or found["AIC"].how
    evaluation = Evaluation(0, 0, 0)
    t = dataset.table
    evaluation.add(found["AIC"].answers, t.earthquake, t.p_sample, t.s_sample)
    assert evaluation.report()["P"]["within_0.5_s"]["f1"] > 0.4
    # The rows are those of the table, in order: one half alone gives the same answers to its windows.
    first = halves(dataset.table, rows)[:1]
    (alone,) = tuned_baselines(dataset, first, names=names[1:])
    here = np.sort(first[0][1])
    assert np.array_equal(alone.answers.samples["P"], found["AIC"].answers.samples["P"][here])
