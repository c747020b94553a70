"""Reliability against scikit-learn and by hand; what the spread of Monte-Carlo dropout says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_windows import NAN, answers, random_case, table

from minieqt.evaluation.uncertainty import (
    brier_score,
    calibration,
    calibration_error,
    judged,
    reliability,
    spread_and_error,
)


def test_as_in_scikit_learn(rng):
    curves = pytest.importorskip("sklearn.calibration")
    metrics = pytest.importorskip("sklearn.metrics")
    probability = rng.random(500)
    right = rng.random(500) < probability**2
    mean, share, number = reliability(probability, right)
    expected_share, expected_mean = curves.calibration_curve(right, probability, n_bins=10)
    np.testing.assert_allclose(mean, expected_mean)
    np.testing.assert_allclose(share, expected_share)
    assert number.sum() == 500
    assert brier_score(probability, right) == pytest.approx(metrics.brier_score_loss(right, probability))


def test_honest_probabilities_are_reliable(rng):
    probability = rng.random(100_000)
    right = rng.random(100_000) < probability
    assert calibration_error(probability, right) < 0.01
    assert calibration_error(probability, right**0) > 0.4


def test_by_hand():
    probability, right = np.array([0.81, 0.85, 0.89, 0.1, 1.0]), np.array([1, 1, 0, 0, 1])
    mean, share, number = reliability(probability, right)
    assert number.tolist() == [1, 3, 1]
    np.testing.assert_allclose(mean, [0.1, 0.85, 1.0])
    np.testing.assert_allclose(share, [0, 2 / 3, 1])
    assert calibration_error(probability, right) == pytest.approx((0.1 + 3 * (0.85 - 2 / 3)) / 5)


def test_who_is_judged():
    """A right pick, a wrong one, a noise window with and one without a peak, an earthquake nobody picked."""
    found = answers([1] * 5, [(1000, 0.9), (2000, 0.4), (50, 0.05), None, (100, 0.7)])
    windows = table([1000, 1000, NAN, NAN, NAN], earthquake=np.array([True, True, False, False, True]))
    probability, right = judged(found, windows, "P", 0.5)
    assert probability.tolist() == [0.9, 0.4, 0.05] and right.tolist() == [True, False, False]


def test_nothing_to_judge():
    nothing = calibration(answers([-np.inf], [None]), table([NAN]))
    assert nothing["P"]["judged"] == 0
    assert np.isnan([nothing["P"]["brier_score"], nothing["P"]["calibration_error"]]).all()


def test_spread_that_tells_the_error_and_one_that_does_not(rng):
    found, windows = random_case(rng)
    residual = np.abs(found.samples["P"] - windows.p_sample) / 100
    spreads = {"P time": residual * 2, "S time": rng.random(len(found)), "P": residual, "S": residual}
    told = spread_and_error(dataclasses.replace(found, spreads=spreads), windows, {"P": 0.3, "S": 0.3})
    assert told["P"]["rank_correlation"] == pytest.approx(1)
    assert told["P"]["median_error_low"] < told["P"]["median_error_high"]
    assert abs(told["S"]["rank_correlation"]) < 0.3
    spreads = {name: np.full(len(found), NAN) for name in spreads}
    untold = spread_and_error(dataclasses.replace(found, spreads=spreads), windows, {"P": 0.3, "S": 0.3})
    assert untold["P"]["picks"] == 0 and np.isnan(untold["P"]["rank_correlation"])
