"""A picker's row in the tables: its measures, their confidence intervals, and the best it could do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from minieqt.data.table import TraceTable
from minieqt.evaluation.answers import Answers
from minieqt.evaluation.bootstrap import RESAMPLES, intervals
from minieqt.evaluation.metrics import TOLERANCES, Evaluation
from minieqt.evaluation.sweep import outcomes, sweep


@dataclass(frozen=True)
class Contender:
    """A picker's answers to the windows of a table, and the thresholds at which they are read.

    kind: what it is, for the tables ("network", "baseline" …); how: its parameters in words.
    """

    name: str
    kind: str
    answers: Answers
    thresholds: dict[str, float]
    how: str = ""

    def report(self, table: TraceTable) -> dict[str, Any]:
        """As `Evaluation.report` has it."""
        evaluation = Evaluation(*(self.thresholds.get(output, 0.0) for output in ("detection", "P", "S")))
        evaluation.add(self.answers, table.earthquake, table.p_sample, table.s_sample)
        return evaluation.report()


def measured(answers: Answers) -> Iterator[tuple[str, float]]:
    """(output, tolerance) of everything that these answers are scored by; detection knows no tolerance."""
    for output in answers.heights:
        for tolerance in TOLERANCES if output != "detection" else TOLERANCES[:1]:
            yield output, tolerance


def scores(contender: Contender, table: TraceTable, seed: int = 0, resamples: int = RESAMPLES) -> list[dict[str, Any]]:
    """One row for each output and tolerance: the measures, {measure}_low and _high, counts, and the sweep's best."""
    report = contender.report(table)
    rows = []
    for output, tolerance in measured(contender.answers):
        threshold = contender.thresholds[output]
        found = outcomes(contender.answers, table, output, threshold, tolerance)
        every = sweep(contender.answers, table, output, tolerance)
        best_threshold, best_f1 = every.best()
        row = {
            "name": contender.name,
            "kind": contender.kind,
            "output": output,
            "tolerance_s": None if output == "detection" else tolerance,
            "threshold": threshold,
        }
        row |= report[output] if output == "detection" else report[output][f"within_{tolerance}_s"]
        for measure, (low, high) in intervals(found, table.event, seed, resamples).items():
            row |= {f"{measure}_low": low, f"{measure}_high": high}
        row |= {"best_threshold": best_threshold, "best_f1": best_f1, "average_precision": every.average_precision()}
        rows.append(row)
    return rows
