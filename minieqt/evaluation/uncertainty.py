"""Are probabilities what they say, and does the spread of Monte-Carlo dropout tell how wrong a pick is?

Reliability (Murphy & Winkler 1977; for networks Guo et al. 2017): of the picks whose probability is near 0.8, eight in
ten should be right. Windows without a pick, and earthquakes without an analyst's arrival, are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.data.table import TraceTable
from minieqt.evaluation.answers import Answers
from minieqt.evaluation.metrics import TOLERANCES
from minieqt.evaluation.sweep import outcomes

Array = Any

BINS = 10


def judged(answers: Answers, table: TraceTable, output: str, tolerance: float) -> tuple[Array, Array]:
    """(probability, right) of every window in which there is any height, however low: (N,) float64 and bool."""
    found = outcomes(answers, table, output, np.finfo(float).min, tolerance)
    counted = found.right | found.wrong
    return answers.heights[output][counted], found.right[counted]


def reliability(probability: Array, right: Array) -> tuple[Array, Array, Array]:
    """(mean probability, share right, number) of each of BINS equal bins of probability that holds anything."""
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    number = np.bincount(place, minlength=BINS)
    held = number > 0
    mean = np.bincount(place, weights=probability, minlength=BINS)[held] / number[held]
    share = np.bincount(place, weights=right, minlength=BINS)[held] / number[held]
    return mean, share, number[held]


def calibration_error(probability: Array, right: Array) -> float:
    """Mean over windows of |share right − mean probability| of their bins (expected calibration error); NaN if none."""
    mean, share, number = reliability(probability, right)
    return float(np.sum(number * np.abs(share - mean)) / np.sum(number)) if len(number) else np.nan


def brier_score(probability: Array, right: Array) -> float:
    """Mean of (probability − right)² (Brier 1950); NaN if there is nothing."""
    return float(np.mean((probability - right) ** 2)) if len(probability) else np.nan


def calibration(answers: Answers, table: TraceTable) -> dict[str, dict[str, float]]:
    """{output: number of windows judged, Brier score, expected calibration error}."""
    found = {}
    for output in answers.heights:
        probability, right = judged(answers, table, output, TOLERANCES[0])
        found[output] = {
            "judged": len(probability),
            "brier_score": brier_score(probability, right),
            "calibration_error": calibration_error(probability, right),
        }
    return found


def spread_and_error(answers: Answers, table: TraceTable, thresholds: dict[str, float]) -> dict[str, dict[str, float]]:
    """{phase: how well the spread of the pick's time ranks the picks by |residual|}.

    rank_correlation: Spearman's between spread and |residual|; median_error_low, _high: of the third of the picks with
    the least and with the largest spread, in seconds. NaN where fewer than three picks have a spread.
    """
    from scipy.stats import spearmanr

    result = {}
    for phase in answers.samples:
        found = outcomes(answers, table, phase, thresholds[phase], np.inf)
        spread = answers.spreads[f"{phase} time"]
        known = found.right & np.isfinite(spread)
        assert found.residual is not None
        error, spread = np.abs(found.residual[known]), spread[known]
        numbers = {"picks": len(error), "rank_correlation": np.nan, "median_error_low": np.nan}
        numbers["median_error_high"] = np.nan
        if len(error) >= 3:
            order = np.argsort(spread, kind="stable")
            third = len(error) // 3
            numbers["median_error_low"] = float(np.median(error[order[:third]]))
            numbers["median_error_high"] = float(np.median(error[order[-third:]]))
            if np.ptp(spread) > 0 and np.ptp(error) > 0:
                numbers["rank_correlation"] = float(spearmanr(spread, error).statistic)
        result[phase] = numbers
    return result
