"""Two networks on the same windows: before and after learning from corrections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minieqt.data.table import TEXT, Dataset
from minieqt.errors import counted
from minieqt.evaluation.answer_windows import answer_windows
from minieqt.evaluation.bootstrap import CONFIDENCE, f1_differences, quantiles
from minieqt.evaluation.metrics import TOLERANCES
from minieqt.evaluation.network_picker import NetworkPicker
from minieqt.evaluation.report import with_interval
from minieqt.evaluation.scores import Contender, scores
from minieqt.evaluation.sweep import outcomes
from minieqt.inference.peaks import THRESHOLDS
from minieqt.learning.by_the_clock import together

Array = Any

TOLERANCE = TOLERANCES[0]  # s
FEW = 20  # earthquakes, below which an interval may miss what it should hold
COLUMNS = {"precision": "precision", "recall": "recall", "mean_s": "mean residual (s)", "mae_s": "MAE (s)"}


@dataclass(frozen=True)
class Gain:
    """F1 within TOLERANCE, the mean of P and S: after minus before, and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Both networks on some windows: `rows` as `scores` gives them, and the gain."""

    what: str
    windows: int
    earthquakes: int
    rows: list[dict[str, Any]]
    gain: Gain
    unreadable: Counter[str]

    def report(self) -> dict[str, Any]:
        """For JSON."""
        counts = {"what": self.what, "windows": self.windows, "earthquakes": self.earthquakes}
        return counts | {"gain_f1": vars(self.gain), "scores": self.rows, "unreadable": dict(self.unreadable)}


def compare(what: str, dataset: Dataset, rows: Array, before: Any, after: Any, seed: int = 0) -> Comparison:
    """Both networks on the same rows, at the default thresholds; intervals over earthquakes, not windows."""
    pickers = [NetworkPicker(before, THRESHOLDS, "before"), NetworkPicker(after, THRESHOLDS, "after")]
    used, answers, unreadable = answer_windows(pickers, dataset, rows, title=what)
    table = dataset.table.take(used).to_score()
    groups = together(table)
    table = replace(table, event=groups.astype(str).astype(TEXT))
    contenders = [Contender(p.name, "network", a, THRESHOLDS) for p, a in zip(pickers, answers, strict=True)]
    scored = [row for each in contenders for row in scores(each, table, seed)]
    differences = []
    for phase in "PS":
        earlier, later = (outcomes(a, table, phase, THRESHOLDS[phase], TOLERANCE).counts() for a in answers)
        differences.append(f1_differences(earlier, later, groups, seed))
    kept = [row for row in scored if row["tolerance_s"] in (None, TOLERANCE)]
    return Comparison(what, len(table), int(table.earthquake.sum()), kept, gain_of(differences), unreadable)


def gain_of(differences: Sequence[Array]) -> Gain:
    """[(1 + resamples,)] of P and S -> their mean; a phase without any arrival does not count."""
    known = [each for each in differences if np.isfinite(each[0])]
    if not known:
        return Gain(np.nan, np.nan, np.nan)
    mean = np.mean(known, axis=0)
    low, high = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    return Gain(float(mean[0]), *quantiles(mean[1:], low, high))


def describe(comparison: Comparison) -> str:
    """In columns, before and after below each other."""
    lines = [f"{comparison.what}: {comparison.windows} windows, {comparison.earthquakes} with an earthquake"]
    lines.append(" " * 24 + "".join(f"{title:>26}" for title in COLUMNS.values()))
    for output in THRESHOLDS:
        for row in comparison.rows:
            if row["output"] == output:
                title = output if output == "detection" else f"{output} within {TOLERANCE:g} s"
                cells = "".join(f"{with_interval(row, key):>26}" for key in COLUMNS)
                lines.append(f"{title if row['name'] == 'before' else '':<17}{row['name']:<7}{cells}".rstrip())
    gain = comparison.gain
    lines.append(f"F1 of P and S: {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}); in brackets 95 % intervals")
    if comparison.earthquakes < FEW:
        lines.append(f"with fewer than {FEW} earthquakes this says little: review more of them")
    if comparison.unreadable:
        lines.append(f"left out: {counted(comparison.unreadable)}")
    return "\n".join(lines)


def worse(corrections: Comparison, old: Comparison | None) -> str | None:
    """Why the network that has learnt must not take the place of the one before it; None if it may.

    On the corrections that were held back its F1 must not be lower. On the old data a little is lost by chance, or
    for the sake of what was learnt: the loss must not be certain, that is its whole interval below zero.
    """
    gain = corrections.gain
    if gain.value < 0:
        return f"F1 on {corrections.what} fell by {-gain.value:.3f}"
    if old is not None and old.gain.high < 0:
        return f"F1 on {old.what} fell by {-old.gain.value:.3f} ({-old.gain.high:.3f} to {-old.gain.low:.3f})"
    return None
