"""Run a network over a set of windows and score it."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

from minieqt.backend import to_numpy
from minieqt.evaluation.metrics import Evaluation


def evaluate(model: Any, loader: Any, table: Any) -> Evaluation:
    """Score `model` on the windows of `loader`; `table` (a TraceTable) knows the analyst's arrivals.

    The loader gives every window once, unshifted (no augmentation); its batches name their rows in the table.
    """
    evaluation = Evaluation()
    model.eval()
    for batch in tqdm(loader.epoch(0), "evaluation", len(loader), leave=False, disable=None):
        rows = batch.rows
        detection, p, s = (to_numpy(probability) for probability in model.forward(batch.x))
        known = table.take(rows).to_score()
        evaluation.update((detection, p, s), known.earthquake, known.p_sample, known.s_sample)
    return evaluation
