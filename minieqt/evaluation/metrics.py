"""How good the picks are: confusion counts, precision, recall, F1, and residuals against the analyst.

A pick is right when it lies within the tolerance of the analyst's, the tolerance itself included. Window by
window and phase by phase:

                        right pick   wrong pick                          no pick
    window has arrival  TP           FP and FN (a false alarm, a miss)   FN
    noise window        -            FP                                  TN

    precision = TP / (TP + FP),   recall = TP / (TP + FN),   F1 = 2 TP / (2 TP + FP + FN)

Over the right picks: mean and standard deviation of the residual (pick minus analyst, seconds), mean absolute
error MAE, and MAPE, the mean of |residual| / arrival time from the window's start (Mousavi et al. 2020).
A window is detected when any detection run is found. Measures of nothing are NaN: precision without picks, recall
without arrivals, residuals without right picks.

Everything accumulates batch by batch in a few numbers, however many windows there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minieqt.data.table import RATE
from minieqt.evaluation.answers import Answers, answer
from minieqt.inference.peaks import DETECTION_THRESHOLD, P_THRESHOLD, S_THRESHOLD

Array = Any

TOLERANCES = (0.5, 0.1)  # seconds


@dataclass(frozen=True)
class Outcomes:
    """What became of each of N windows: boolean arrays (N,) for TP, FP, FN and TN (a wrong pick is FP and FN at once),
    and of a phase the residual and the arrival in seconds (N,), of use where `right`."""

    right: Array
    wrong: Array
    missed: Array
    quiet: Array
    residual: Array | None = None
    arrival: Array | None = None

    def counts(self) -> Array:
        """(N, 3) float64: how many are right, wrong and missed in each window."""
        return np.stack([self.right, self.wrong, self.missed], axis=1).astype(float)


def detection_outcomes(detected: Array, earthquake: Array) -> Outcomes:
    """detected, earthquake (N,) bool."""
    noise = ~earthquake
    return Outcomes(detected & earthquake, detected & noise, ~detected & earthquake, ~detected & noise)


def phase_outcomes(pick: Array, arrival: Array, noise: Array, tolerance: float) -> Outcomes:
    """pick (N,) sample or -1, the analyst's arrival (N,) sample or NaN, noise (N,) bool, tolerance in seconds.

    An earthquake without an analyst's arrival says nothing about this phase and is left out.
    """
    picked, has_arrival = pick >= 0, np.isfinite(arrival) & ~noise
    residual = (pick - arrival) / RATE
    right = picked & has_arrival & (np.abs(residual) <= tolerance)
    return Outcomes(
        right=right,
        wrong=picked & ~right & (has_arrival | noise),
        missed=~right & has_arrival,
        quiet=~picked & noise,
        residual=residual,
        arrival=arrival / RATE,
    )


def ratio(part: Array, whole: Array) -> Array:
    """part / whole of numbers or arrays, NaN where there is no whole, and so no part."""
    with np.errstate(invalid="ignore"):
        return np.divide(part, whole)


def precision(right: Array, wrong: Array) -> Array:
    """Of counts, as every measure here: numbers, or arrays of one shape."""
    return ratio(right, right + wrong)


def recall(right: Array, missed: Array) -> Array:
    return ratio(right, right + missed)


def f1(right: Array, wrong: Array, missed: Array) -> Array:
    return ratio(2 * right, 2 * right + wrong + missed)


@dataclass
class Counts:
    """Confusion counts of yes-or-no decisions."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0

    @property
    def precision(self) -> float:
        return float(precision(self.true_positive, self.false_positive))

    @property
    def recall(self) -> float:
        return float(recall(self.true_positive, self.false_negative))

    @property
    def f1(self) -> float:
        return float(f1(self.true_positive, self.false_positive, self.false_negative))

    def update(self, found: Outcomes) -> None:
        """Add a batch."""
        self.true_positive += int(np.sum(found.right))
        self.false_positive += int(np.sum(found.wrong))
        self.false_negative += int(np.sum(found.missed))
        self.true_negative += int(np.sum(found.quiet))

    def report(self) -> dict[str, float]:
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1} | vars(self)


@dataclass
class Residuals:
    """Mean, standard deviation, MAE and MAPE of residuals that come in batches.

    Means and variances of batches are combined as in Chan, Golub & LeVeque (1983), which does not lose digits
    where a sum of squares minus a squared sum would.
    """

    count: int = 0
    mean: float = math.nan
    squares: float = 0.0  # Σ (residual - mean)²
    absolute: float = 0.0  # Σ |residual|
    relative: float = 0.0  # Σ |residual| / arrival time

    def update(self, residual: Array, arrival: Array) -> None:
        """Add residuals (N,) and the arrival times from the window's start (N,), both in seconds."""
        if len(residual) == 0:
            return
        count, mean = len(residual), float(np.mean(residual))
        total = self.count + count
        step = mean - self.mean if self.count else 0.0
        self.squares += float(np.sum((residual - mean) ** 2)) + step**2 * self.count * count / total
        self.mean = self.mean + step * count / total if self.count else mean
        self.count = total
        self.absolute += float(np.sum(np.abs(residual)))
        # An arrival on the window's first sample counts as one sample in, so that the ratio stays finite.
        self.relative += float(np.sum(np.abs(residual) / np.maximum(arrival, 1 / RATE)))

    def report(self) -> dict[str, float]:
        return {
            "mean_s": self.mean,
            "std_s": math.sqrt(self.squares / self.count) if self.count else math.nan,
            "mae_s": float(ratio(self.absolute, self.count)),
            "mape": float(ratio(self.relative, self.count)),
        }


@dataclass
class PhaseScore:
    """One phase, one tolerance (seconds)."""

    tolerance: float
    counts: Counts = field(default_factory=Counts)
    residuals: Residuals = field(default_factory=Residuals)

    def update(self, pick: Array, arrival: Array, noise: Array) -> None:
        """Add a batch; see `phase_outcomes`."""
        found = phase_outcomes(pick, arrival, noise, self.tolerance)
        assert found.residual is not None and found.arrival is not None
        self.counts.update(found)
        self.residuals.update(found.residual[found.right], found.arrival[found.right])

    def report(self) -> dict[str, float]:
        return self.counts.report() | self.residuals.report()


class Evaluation:
    """Detection, P and S of one picker on one set of windows, added up batch by batch.

    An output that the picker does not have is not in the report.
    """

    def __init__(
        self,
        detection_threshold: float = DETECTION_THRESHOLD,
        p_threshold: float = P_THRESHOLD,
        s_threshold: float = S_THRESHOLD,
    ):
        self.thresholds = {"detection": detection_threshold, "P": p_threshold, "S": s_threshold}
        self.windows = self.earthquakes = 0
        self.detection = Counts()
        self.phases = {phase: [PhaseScore(tolerance) for tolerance in TOLERANCES] for phase in "PS"}

    def update(
        self, probabilities: tuple[Array, Array, Array], earthquake: Array, p_sample: Array, s_sample: Array
    ) -> None:
        """Add a batch.

        probabilities: detection, P, S, each (B, T); earthquake (B,) bool; the analyst's p_sample and s_sample
        (B,), NaN where there is none.
        """
        self.add(answer(probabilities), earthquake, p_sample, s_sample)

    def add(self, answers: Answers, earthquake: Array, p_sample: Array, s_sample: Array) -> None:
        """Add windows that have been answered already."""
        self.windows += len(earthquake)
        self.earthquakes += int(np.sum(earthquake))
        self.thresholds = {name: self.thresholds[name] for name in answers.heights}
        if "detection" in answers.heights:
            detected = answers.detected(self.thresholds["detection"])
            self.detection.update(detection_outcomes(detected, earthquake))
        for phase, arrival in (("P", p_sample), ("S", s_sample)):
            if phase in answers.samples:
                pick = answers.picks(phase, self.thresholds[phase])
                for score in self.phases[phase]:
                    score.update(pick, arrival, ~earthquake)

    def report(self) -> dict[str, Any]:
        """Everything as a nested dictionary of numbers, NaN where nothing was counted."""
        found: dict[str, Any] = {
            "windows": self.windows,
            "earthquakes": self.earthquakes,
            "thresholds": dict(self.thresholds),
        }
        if "detection" in self.thresholds:
            found["detection"] = self.detection.report()
        for phase, scores in self.phases.items():
            if phase in self.thresholds:
                found[phase] = {f"within_{score.tolerance}_s": score.report() for score in scores}
        return found
