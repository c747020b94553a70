"""Thresholds swept: against one evaluation after the other, and against scikit-learn where it measures the same."""

from __future__ import annotations

import numpy as np
import pytest
from small_windows import NAN, answers, random_case, table

from minieqt.evaluation.metrics import Evaluation
from minieqt.evaluation.sweep import sweep

OUTPUTS = ("detection", "P", "S")


def counts(found, windows, output, threshold, tolerance):
    evaluation = Evaluation(threshold, threshold, threshold)
    evaluation.add(found, windows.earthquake, windows.p_sample, windows.s_sample)
    if output == "detection":
        c = evaluation.detection
    else:
        c = next(score.counts for score in evaluation.phases[output] if score.tolerance == tolerance)
    return [c.true_positive, c.false_positive, c.false_negative]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("tolerance", [0.5, 0.1])
def test_every_threshold_as_if_evaluated_by_itself(rng, output, tolerance):
    found, windows = random_case(rng)
    every = sweep(found, windows, output, tolerance)
    assert (np.diff(every.threshold) < 0).all()
    for k, threshold in enumerate(every.threshold):
        here = [every.right[k], every.wrong[k], every.missed[k]]
        assert here == counts(found, windows, output, threshold, tolerance)
    grid = [1.5, 0.995, 0.5, 0.123, 0.0]
    at = every.at(np.array(grid))
    for k, threshold in enumerate(grid):
        assert [at.right[k], at.wrong[k], at.missed[k]] == counts(found, windows, output, threshold, tolerance)
    best, f1 = every.best()
    assert f1 == np.nanmax(every.f1) and f1 == every.f1[list(every.threshold).index(best)]


def test_detection_as_in_scikit_learn(rng):
    metrics = pytest.importorskip("sklearn.metrics")
    found, windows = random_case(rng)
    every = sweep(found, windows, "detection", 0.5)
    score = found.heights["detection"]
    precision, recall, threshold = metrics.precision_recall_curve(windows.earthquake, score)
    np.testing.assert_allclose(every.threshold, threshold[::-1])
    np.testing.assert_allclose(every.precision, precision[-2::-1])
    np.testing.assert_allclose(every.recall, recall[-2::-1])
    expected = metrics.average_precision_score(windows.earthquake, score)
    assert every.average_precision() == pytest.approx(expected)
    for threshold in (0.3, 0.8):
        k = every.at(np.array([threshold]))
        decided = score >= threshold
        assert k.precision[0] == pytest.approx(metrics.precision_score(windows.earthquake, decided))
        assert k.recall[0] == pytest.approx(metrics.recall_score(windows.earthquake, decided))
        assert k.f1[0] == pytest.approx(metrics.f1_score(windows.earthquake, decided))


def test_by_hand():
    """Two earthquakes, one picked well and one badly, and a noise window with the highest pick of all."""
    windows = table([1000, 1000, NAN])
    every = sweep(answers([1, 1, 0], [(1010, 0.8), (1200, 0.6), (300, 0.9)]), windows, "P", 0.5)
    assert every.threshold.tolist() == [0.9, 0.8, 0.6]
    assert every.right.tolist() == [0, 1, 1]
    assert every.wrong.tolist() == [1, 1, 2]
    assert every.missed.tolist() == [2, 1, 1]
    assert every.best() == (0.8, 0.5)


def test_nothing_to_find_and_nothing_found():
    noise = sweep(answers([0.5, 0.2], [None, (7, 0.4)]), table([NAN, NAN]), "P", 0.5)
    assert noise.right.tolist() == [0] and noise.wrong.tolist() == [1]
    assert noise.best()[1] == 0 and np.isnan(noise.average_precision())
    silent = sweep(answers([-np.inf], [None]), table([1000]), "P", 0.5)
    assert len(silent.threshold) == 0 and np.isnan(silent.best()).all() and np.isnan(silent.average_precision())
    at = silent.at(np.array([0.1, 0.9]))
    assert at.right.tolist() == [0, 0] and np.isnan(at.precision).all()
