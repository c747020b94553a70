"""Every picker on the very same windows: each window is read once, answered by all of them, and discarded.

Memory holds a few batches of waveforms, and a few dozen bytes of answers for every window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numba
import numpy as np
from tqdm import tqdm

from minieqt.data.table import COMPONENTS, SAMPLES, BadTrace, Dataset
from minieqt.errors import UserError
from minieqt.evaluation.answers import Answers, concatenate
from minieqt.workers import in_order, kernels_may_meet

Array = Any


class Picker(Protocol):
    """What answers windows: a network, a classic picker, another package's network."""

    name: str
    alone: bool  # whether it cannot answer two batches at once

    def __call__(self, x: Array, first: int) -> Answers:
        """x (B, 3, 6000) as recorded; `first` is the number of its first window. It must leave x as it is."""


def answer_windows(
    pickers: Sequence[Picker], dataset: Dataset, rows: Array, batch_size: int = 100, title: str = "evaluation"
) -> tuple[Array, list[Answers], Counter[str]]:
    """(the rows that could be read, every picker's answers to them, {reason: traces left out}).

    The windows come as they were recorded. The answers do not depend on the batch size. UserError if no trace
    can be read.
    """
    rows = np.asarray(rows, np.int64)

    def work(start: int) -> tuple[Array, list[BadTrace], list[Answers]]:
        part = rows[start : start + batch_size]
        x = np.zeros((len(part), COMPONENTS, SAMPLES), np.float32)
        bad = dataset.read_into(part, x)
        x[list(bad)] = 0  # an unreadable window keeps its place, so that the others keep their numbers
        good = np.setdiff1d(np.arange(len(part)), list(bad))
        return part[good], list(bad.values()), [picker(x, start).take(good) for picker in pickers]

    used: list[Array] = []
    found: list[list[Answers]] = []
    skipped: Counter[str] = Counter()
    workers = numba.get_num_threads() if kernels_may_meet() and not any(picker.alone for picker in pickers) else 1
    with tqdm(total=len(rows), desc=title, unit="window", leave=False, disable=None) as bar:
        for start, (good, bad, answers) in in_order(work, range(0, len(rows), batch_size), workers):
            used.append(good)
            found.append(answers)
            skipped.update(trace.reason for trace in bad)
            bar.update(min(batch_size, len(rows) - start))
    if not sum(map(len, used)):
        raise UserError(f"none of the {len(rows)} traces can be read: {dict(skipped) or 'there are none'}")
    return np.concatenate(used), [concatenate(answers) for answers in zip(*found, strict=True)], skipped
