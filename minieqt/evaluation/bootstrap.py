"""Confidence intervals by the bootstrap (Efron 1979): the measures of data sets that might as well have been recorded.

Earthquakes are drawn with replacement, not windows: one earthquake seen at ten stations is one piece of evidence for
how well small or distant ones are picked, not ten. A noise window belongs to the event that it preceded, if there is
one. The interval is the percentile one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.evaluation.metrics import Outcomes, f1, precision, ratio, recall

Array = Any

RESAMPLES = 1000
CONFIDENCE = 0.95


def intervals(
    found: Outcomes, events: Array, seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> dict[str, tuple[float, float]]:
    """{measure: (lower, upper)} of the measures that `Counts.report` and `Residuals.report` give.

    events (N,): which event each window belongs to. NaN where a measure has no value in any of the resamples; those
    in which it has none are left out.
    """
    columns = [found.right, found.wrong, found.missed]
    if found.residual is not None and found.arrival is not None:
        residual = np.where(found.right, found.residual, 0)
        relative = np.abs(residual) / np.where(found.right, np.maximum(found.arrival, 0.01), 1)
        columns += [residual, residual**2, np.abs(residual), relative]
    group = np.unique(events, return_inverse=True)[1]
    sums = np.stack([np.bincount(group, weights=column) for column in columns], axis=1)  # (events, columns)
    rng = np.random.default_rng(seed)
    drawn = np.stack([draw(rng, len(sums)) @ sums for _ in range(resamples)])
    low, high = (1 - confidence) / 2, (1 + confidence) / 2
    return {name: quantiles(values, low, high) for name, values in measures(*drawn.T).items()}


def f1_differences(before: Array, after: Array, events: Array, seed: int = 0) -> Array:
    """F1 of `after` minus that of `before`: as measured, then of every resample: (1 + RESAMPLES,).

    before, after (N, 3): how many were right, wrong and missed in each of N windows; events (N,) as in `intervals`.
    Every resample holds the same events before and after, and with one seed the same for P and S.
    """
    group = np.unique(events, return_inverse=True)[1]
    both = np.concatenate([before, after], axis=1)
    sums = np.stack([np.bincount(group, weights=column) for column in both.T], axis=1)  # (events, 6)
    rng = np.random.default_rng(seed)
    drawn = np.stack([sums.sum(axis=0), *(draw(rng, len(sums)) @ sums for _ in range(RESAMPLES))])
    return f1(*drawn[:, 3:].T) - f1(*drawn[:, :3].T)


def draw(rng: np.random.Generator, count: int) -> Array:
    """How often each of `count` things is among `count` draws with replacement: (count,) float64."""
    return np.bincount(rng.integers(0, count, count), minlength=count).astype(float)


def measures(
    right: Array,
    wrong: Array,
    missed: Array,
    residual: Array | None = None,
    square: Array | None = None,
    absolute: Array | None = None,
    relative: Array | None = None,
) -> dict[str, Array]:
    """The measures of sums, each (R,); NaN where there is nothing to divide by."""
    found = {"precision": precision(right, wrong), "recall": recall(right, missed), "f1": f1(right, wrong, missed)}
    if residual is not None and square is not None and absolute is not None and relative is not None:
        mean = ratio(residual, right)
        found |= {
            "mean_s": mean,
            "std_s": np.sqrt(np.maximum(ratio(square, right) - mean**2, 0)),
            "mae_s": ratio(absolute, right),
            "mape": ratio(relative, right),
        }
    return found


def quantiles(values: Array, low: float, high: float) -> tuple[float, float]:
    """Two quantiles of what is not NaN; NaN where nothing is."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    lower, upper = np.quantile(values, [low, high])
    return float(lower), float(upper)
