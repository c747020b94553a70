"""Which other trace a window is made with: the noise that is added to its augmented copy.

Counters decide, as they do over everything else, so a window has the same partner whatever the batch size, the number
of threads or the batch that an epoch is resumed at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.data.augmentation import AUGMENTED, Augmentation
from minieqt.data.draw import Draw, window_uniforms
from minieqt.data.table import TraceTable
from minieqt.errors import UserError

Array = Any

NOBODY = -1  # in place of a row, or of a trace's place in a batch


class Partners:
    """The rows that the rows of a split may be paired with. UserError where the rates ask for what the split lacks."""

    def __init__(self, table: TraceTable, rows: Array, rates: Augmentation | None, seed: int):
        rows = np.unique(rows)
        self.noise, self.seed = rows[~table.earthquake[rows]], seed
        self.rate = rates.real_noise if rates else 0.0
        if self.rate and not len(self.noise):
            raise UserError("augmentation real_noise adds noise windows of the training split, and it has none")

    def of(self, rows: Array, passes: Array) -> Array:
        """For each row, in its pass, the row of the noise that its augmented copy gets; NOBODY where it gets none."""
        partners = np.full(len(rows), NOBODY)
        for number in np.unique(passes).tolist() if self.rate else ():
            here = np.flatnonzero(passes == number)
            u = window_uniforms(self.seed, number, rows[here], AUGMENTED).astype(np.float64)
            chosen = self.noise[(u[:, Draw.REAL_NOISE_ROW] * len(self.noise)).astype(np.int64)]
            partners[here] = np.where(u[:, Draw.REAL_NOISE] < self.rate, chosen, NOBODY)
        return partners
