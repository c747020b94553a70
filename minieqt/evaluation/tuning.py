"""Baselines at their best: parameters and thresholds are chosen on other windows than those that are scored.

The choice with the highest F1 within 0.5 s wins, averaged over a baseline's outputs, each at its own best threshold. It
is made on a run's training split, if there is one. Otherwise the windows are divided into two halves by event, and each
half is picked with what was tuned on the other: every window is scored, and none by what was tuned on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minieqt.data.split import split
from minieqt.data.table import Dataset, TraceTable
from minieqt.errors import UserError
from minieqt.evaluation.answer_windows import answer_windows
from minieqt.evaluation.answers import Answers, concatenate
from minieqt.evaluation.baselines import GRIDS, Baseline, choices
from minieqt.evaluation.metrics import TOLERANCES
from minieqt.evaluation.sweep import sweep

Array = Any
Job = tuple[Array, Array]  # rows to tune on, rows to score

TUNING_WINDOWS = 300  # at most, of those to tune on


@dataclass(frozen=True)
class Tuned:
    """A baseline's answers with each height less its threshold, so that the threshold is 0, and how it was tuned."""

    name: str
    answers: Answers
    how: str


def halves(table: TraceTable, rows: Array) -> list[Job]:
    """Two jobs, each the other's training. UserError if there is only one event."""
    if len(np.unique(table.event[rows])) < 2:
        raise UserError("baselines are tuned on one half of the events and scored on the other; there is only one")
    one, other, _ = split(table.take(rows), fractions=(0.5, 0.5, 0.0))
    return [(rows[one], rows[other]), (rows[other], rows[one])]


def tuned_baselines(
    dataset: Dataset, jobs: Sequence[Job], batch_size: int = 100, names: Sequence[str] = tuple(GRIDS), seed: int = 0
) -> list[Tuned]:
    """Every baseline on the rows of all jobs, in ascending order of the rows."""
    found: dict[str, list[tuple[Array, Answers, str]]] = {name: [] for name in names}
    for training, rows in jobs:
        chosen = [tune(name, *trial) for name, trial in trials(dataset, training, batch_size, names, seed).items()]
        used, answers, _ = answer_windows([baseline for baseline, _ in chosen], dataset, rows, batch_size, "baselines")
        for (baseline, thresholds), answer in zip(chosen, answers, strict=True):
            found[baseline.name].append((used, relative(answer, thresholds), describe(baseline, thresholds)))
    tuned = []
    for name, parts in found.items():
        order = np.argsort(np.concatenate([used for used, _, _ in parts]))
        how = "; the other half: ".join(dict.fromkeys(how for _, _, how in parts))
        tuned.append(Tuned(name, concatenate([answer for _, answer, _ in parts]).take(order), how))
    return tuned


def trials(
    dataset: Dataset, training: Array, batch_size: int, names: Sequence[str], seed: int
) -> dict[str, tuple[TraceTable, list[Baseline], list[Answers]]]:
    """{name: (table of the windows tuned on, its candidates, their answers)}; of many windows, some are drawn."""
    training = np.sort(np.random.default_rng(seed).permutation(training)[:TUNING_WINDOWS])
    candidates = [candidate for name in names for candidate in choices(name)]
    used, answers, _ = answer_windows(candidates, dataset, training, batch_size, "tuning")
    table = dataset.table.take(used).to_score()
    sorted_by_name: dict[str, tuple[TraceTable, list[Baseline], list[Answers]]] = {}
    for candidate, answer in zip(candidates, answers, strict=True):
        _, same, theirs = sorted_by_name.setdefault(candidate.name, (table, [], []))
        same.append(candidate)
        theirs.append(answer)
    return sorted_by_name


def tune(
    name: str, table: TraceTable, candidates: Sequence[Baseline], answers: Sequence[Answers]
) -> tuple[Baseline, dict[str, float]]:
    """The best of one baseline's candidates, the first of equals, and {output: its best threshold}.

    Where an output cannot be tuned (no event, no pick) its threshold is infinite: it is never given.
    """
    results = []
    for answer in answers:
        best = {output: sweep(answer, table, output, TOLERANCES[0]).best() for output in answer.heights}
        results.append({output: found if found[1] > 0 else (np.inf, 0.0) for output, found in best.items()})
    k = int(np.argmax([np.mean([f1 for _, f1 in result.values()]) for result in results]))
    return candidates[k], {output: threshold for output, (threshold, _) in results[k].items()}


def relative(answers: Answers, thresholds: dict[str, float]) -> Answers:
    """Heights less their thresholds."""
    heights = {output: height - thresholds[output] for output, height in answers.heights.items()}
    return Answers(heights, answers.samples)


def describe(baseline: Baseline, thresholds: dict[str, float]) -> str:
    """Parameters and thresholds in words."""
    units = {"detection": "", "P": " dB", "S": " dB"}
    given = ", ".join(f"{output} ≥ {value:.3g}{units[output]}" for output, value in thresholds.items())
    return f"{baseline.describe()}, {given}"
