"""Batches: traces read, augmented, normalised and labelled, in an order and with draws that counters decide.

Nothing that a batch holds depends on the batch size, on the batches before it or on who asks: an epoch resumed at
its tenth batch goes on as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minieqt.data.augment import (
    AUGMENTED,
    PLAIN,
    Augmentation,
    Plan,
    augment_window,
    draw_plan,
    noise_samples,
    window_uniforms,
)
from minieqt.data.labels import make_labels
from minieqt.data.table import COMPONENTS, SAMPLES, BadTrace, Dataset, describe
from minieqt.errors import UserError
from minieqt.philox import SHUFFLE, uniform

Array = Any

HOPELESS = 100  # so many bad traces from the start of an epoch, and no good one: the data set is wrong


@dataclass(frozen=True)
class Batch:
    """`number` counts the epoch's batches from 0; a trace that could not be used is missing from its batch."""

    x: Array  # (B, 3, 6000) float32, normalised
    labels: Array  # (B, 3, 6000) float32, detection, P, S
    rows: Array  # (B,) int64, rows of the data set's table
    number: int


class Loader:
    """The batches of some rows of a data set.

    With an augmentation, a batch holds batch_size / 2 traces twice, the augmented copy behind the plain one; so any
    even cut of a batch holds both kinds. Without, batch_size traces as they were recorded. `skipped` collects the
    names of the traces that could not be used, by reason. UserError for a setting or rows that cannot work.
    """

    def __init__(
        self,
        dataset: Dataset,
        rows: Array,
        batch_size: int = 200,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        shuffle: bool = True,
        label_shape: str = "gaussian",
    ):
        self.copies = (PLAIN,) if augmentation is None else (PLAIN, AUGMENTED)
        if batch_size < 1 or batch_size % len(self.copies):
            raise UserError(
                f"batch size must be at least 1, and even with augmentation, as a batch holds every trace twice; "
                f"got {batch_size}"
            )
        if len(rows) == 0:
            raise UserError("there are no traces to load: the split is empty")
        self.dataset, self.rows = dataset, np.asarray(rows, np.int64)
        self.batch_size, self.seed, self.shuffle = batch_size, seed, shuffle
        self.augmentation, self.label_shape = augmentation, label_shape
        self.skipped: dict[str, set[str]] = {}

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.rows) // self._traces_per_batch)

    @property
    def _traces_per_batch(self) -> int:
        return self.batch_size // len(self.copies)

    def order(self, epoch: int) -> Array:
        """The rows in the order of this epoch: sorted by two draws for each row, if they are to be shuffled."""
        if not self.shuffle:
            return self.rows
        return self.rows[np.lexsort(uniform((self.seed, SHUFFLE), self.rows, 2, epoch, 0).T)]

    def epoch(self, epoch: int, first_batch: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from `first_batch` on; a batch without a single usable trace is left out."""
        order, step = self.order(epoch), self._traces_per_batch
        good = bad = 0
        for number in range(first_batch, len(self)):
            rows = order[number * step : (number + 1) * step]
            batch = self._load(epoch, rows, number)
            good += len(batch.rows)
            bad += len(rows) - len(batch.rows) // len(self.copies)
            if good == 0 and bad >= min(HOPELESS, len(self.rows)):
                raise UserError(f"none of the first {bad} traces can be used: {self.report()}; check the data set")
            if len(batch.rows):
                yield batch

    def report(self) -> str:
        """One line on the traces skipped so far, or the empty text if there are none."""
        counts = {reason: len(names) for reason, names in self.skipped.items()}
        return describe(counts, {reason: min(names) for reason, names in self.skipped.items()})

    def _load(self, epoch: int, rows: Array, number: int) -> Batch:
        x = np.empty((len(rows) * len(self.copies), COMPONENTS, SAMPLES), np.float32)
        labels = np.empty_like(x)
        used: list[int] = []
        uniforms = [window_uniforms(self.seed, epoch, rows, copy) for copy in self.copies]
        for i, row in enumerate(rows.tolist()):
            try:
                raw = self.dataset.read(row)
            except BadTrace as bad:
                self.skipped.setdefault(bad.reason, set()).add(str(self.dataset.table.name[row]))
                continue
            for copy in self.copies:
                here = len(used)
                x[here], labels[here] = self._window(raw, row, epoch, copy, uniforms[copy][i])
                used.append(row)
        return Batch(x[: len(used)], labels[: len(used)], np.array(used, np.int64), number)

    def _window(self, raw: Array, row: int, epoch: int, copy: int, u: Array) -> tuple[Array, Array]:
        """One copy of one trace and its labels."""
        table, plan, noise = self.dataset.table, Plan(), None
        p, s = table.p_sample[row], table.s_sample[row]
        if self.augmentation is not None:
            plan = draw_plan(u, p, s, table.coda_end[row], table.snr_db[row], self.augmentation, copy)
        if any(plan.noise):
            noise = noise_samples(self.seed, epoch, row, copy)
        arrivals = np.array([[p, s]]) if table.earthquake[row] else np.empty((0, 2))
        x, arrivals = augment_window(raw, arrivals, plan, noise)
        return x, make_labels(arrivals[:, 0], arrivals[:, 1], self.label_shape)
