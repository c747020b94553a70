"""Every threshold at once: precision, recall and F1 as functions of it, and the best F1.

A threshold does not change a picker's answer, only whether it counts (see `answers`). So windows are sorted by height,
and running sums from the highest down give the counts at every threshold that makes a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minieqt.data.table import TraceTable
from minieqt.evaluation.answers import NEVER, Answers
from minieqt.evaluation.metrics import Outcomes, detection_outcomes, f1, phase_outcomes, precision, recall

Array = Any


@dataclass(frozen=True)
class Sweep:
    """Counts at thresholds that fall: each (K,). At every one, what is at least so high counts as found."""

    threshold: Array
    right: Array
    wrong: Array
    missed: Array

    @property
    def precision(self) -> Array:
        return precision(self.right, self.wrong)

    @property
    def recall(self) -> Array:
        return recall(self.right, self.missed)

    @property
    def f1(self) -> Array:
        return f1(self.right, self.wrong, self.missed)

    def best(self) -> tuple[float, float]:
        """(threshold, F1) where F1 is highest, at the highest such threshold; NaN if F1 has no value anywhere."""
        if not np.isfinite(self.f1).any():
            return np.nan, np.nan
        k = int(np.nanargmax(self.f1))
        return float(self.threshold[k]), float(self.f1[k])

    def average_precision(self) -> float:
        """Σ (recall gained) · precision, as scikit-learn has it; NaN if there is nothing to find."""
        if len(self.threshold) == 0 or not np.isfinite(self.recall).all():
            return np.nan
        return float(np.sum(np.diff(self.recall, prepend=0) * self.precision))

    def at(self, thresholds: Array) -> Sweep:
        """The same at other thresholds, in their order."""
        k = np.searchsorted(-self.threshold, -np.asarray(thresholds), side="right")

        def pick(counts: Array, before: int) -> Array:
            return np.concatenate([[before], counts])[k]

        arrivals = int(self.right[0] + self.missed[0]) if len(self.right) else 0
        return Sweep(np.asarray(thresholds), pick(self.right, 0), pick(self.wrong, 0), pick(self.missed, arrivals))


def outcomes(answers: Answers, table: TraceTable, output: str, threshold: float, tolerance: float) -> Outcomes:
    """What became of each window at one threshold. output: detection, P or S; the tolerance is that of phases."""
    if output == "detection":
        return detection_outcomes(answers.detected(threshold), table.earthquake)
    arrival = table.p_sample if output == "P" else table.s_sample
    return phase_outcomes(answers.picks(output, threshold), arrival, ~table.earthquake, tolerance)


def sweep(answers: Answers, table: TraceTable, output: str, tolerance: float) -> Sweep:
    """Counts at every height that occurs, from the highest down."""
    found = outcomes(answers, table, output, np.finfo(float).min, tolerance)  # whatever there is at any threshold
    height = answers.heights[output]
    arrivals = int(np.sum(found.right | found.missed))
    counted = found.right | found.wrong
    order = np.argsort(-height[counted], kind="stable")
    sorted_height = height[counted][order]
    right, wrong = (np.cumsum(of[counted][order]) for of in (found.right, found.wrong))
    last = np.flatnonzero(np.diff(sorted_height, append=NEVER))  # equal heights are found together
    return Sweep(sorted_height[last], right[last], wrong[last], arrivals - right[last])
