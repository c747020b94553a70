"""What happened, epoch by epoch: the rows of history.csv.

Only numbers that depend on the settings stand here, no times: a run that was stopped and resumed writes the same
file, to the bit, as one that was not.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.files import csv_lines, write_text

Array = Any

COLUMNS = ("epoch", "learning_rate", "loss", "penalty", "validation_loss", "p_f1", "s_f1")


class History:
    """Rows of `COLUMNS`, one a finished epoch: the epoch (from 1), the learning rate it had, its mean training
    loss, the penalties at its end, the validation loss at its end (both losses without penalties), and F1 of the
    validation windows' P and S within 0.5 s, NaN without arrivals. Rows of an earlier version have fewer columns."""

    def __init__(self, rows: Array | None = None):
        self.rows: list[tuple[float, ...]] = []
        for row in [] if rows is None else rows.tolist():
            self.rows.append((*row, *[math.nan] * (len(COLUMNS) - len(row))))

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, **values: float) -> None:
        """Add an epoch: one value for each of `COLUMNS`."""
        self.rows.append(tuple(float(values.get(name, math.nan)) for name in COLUMNS))

    def column(self, name: str) -> list[float]:
        """All values of one column, oldest first."""
        return [row[COLUMNS.index(name)] for row in self.rows]

    def array(self) -> Array:
        """(epochs, columns) float64, for a checkpoint."""
        return np.array(self.rows, np.float64).reshape(-1, len(COLUMNS))

    def write(self, path: Path) -> None:
        """Write history.csv; every number in full, so that reading it back gives the same bits."""
        rows = [(int(epoch), *map(repr, values)) for epoch, *values in self.rows]
        write_text(path, "".join(csv_lines([COLUMNS, *rows])))
