"""Which other trace a window is made with: the noise or the earthquake that is added to its augmented copy.

It is drawn by counters, like everything else, so a window has the same partner whatever the batch size, the number of
threads or the batch at which an epoch is resumed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.data.augmentation import AUGMENTED, Augmentation
from minieqt.data.draw import LOUD, Draw, window_uniforms
from minieqt.data.table import TraceTable
from minieqt.errors import UserError

Array = Any

NOBODY = -1  # in place of a row, or of a trace's place in a batch


class Partners:
    """The rows that the rows of a split may be paired with. UserError where the rates ask for what the split lacks."""

    def __init__(self, table: TraceTable, rows: Array, rates: Augmentation | None, seed: int):
        rows = np.unique(rows)
        self.noise, self.seed = rows[~table.earthquake[rows]], seed
        picked = ~np.isnan(table.p_sample) & ~np.isnan(table.s_sample)
        self.whole = picked & ~table.two & (table.snr_db >= LOUD).all(axis=1)  # clear of noise and fully labelled
        self.events = rows[self.whole[rows]]
        self.noise_rate, self.event_rate = (rates.real_noise, rates.other_event) if rates else (0.0, 0.0)
        if self.noise_rate and not len(self.noise):
            raise UserError("augmentation real_noise adds noise windows of the training split, and it has none")
        if self.event_rate and not len(self.events):
            raise UserError(
                f"augmentation other_event adds earthquakes of the training split, and none of it has P, S and "
                f"{LOUD:g} dB on every component"
            )

    def of(self, rows: Array, passes: Array) -> Array:
        """For each row, in its pass, the row of the trace that its augmented copy gets; NOBODY where it gets none."""
        partners = np.full(len(rows), NOBODY)
        for number in np.unique(passes).tolist() if self.noise_rate + self.event_rate else ():
            here = np.flatnonzero(passes == number)
            u = window_uniforms(self.seed, number, rows[here], AUGMENTED).astype(np.float64)
            what, which = u[:, Draw.REAL_NOISE], u[:, Draw.REAL_NOISE_ROW]
            noise = what < self.noise_rate
            event = ~noise & (what < self.noise_rate + self.event_rate) & self.whole[rows[here]]
            for wanted, among in ((noise, self.noise), (event, self.events)):
                partners[here[wanted]] = among[(which[wanted] * len(among)).astype(np.int64)]
        return partners
