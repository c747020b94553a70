"""Worked answers of chapter 13."""

from __future__ import annotations

import numpy as np


def f1(tp, fp, fn):
    counted = 2 * tp + fp + fn
    return 2 * tp / counted if counted else float("nan")


def mean_absolute_error(picks, arrivals, tolerance=0.5):
    residual = abs(picks - arrivals) / 100
    right = (picks >= 0) & (residual <= tolerance)
    return residual[right].mean()


def runs(curve, threshold, shortest):
    above = np.concatenate([[0], curve >= threshold, [0]])
    change = np.diff(above.astype(int))
    edges = zip(np.flatnonzero(change == 1), np.flatnonzero(change == -1), strict=True)
    return [(first, after) for first, after in edges if after - first >= shortest]


def best_threshold(scores, earthquake):
    def value(threshold):
        found = scores >= threshold
        return f1((found & earthquake).sum(), (found & ~earthquake).sum(), (~found & earthquake).sum())

    return max(sorted(scores), key=value)
