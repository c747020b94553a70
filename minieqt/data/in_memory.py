"""A data set kept in memory, at half the size: float16, each component in units of its largest amplitude.

Each trace is read from the disk once. Its mean is removed, as every window's is anyway. A sample is off by at most a
two-thousandth of itself; the smallest that differs from zero is 6 · 10⁻⁸ of the largest, 144 dB below it.
All of STEAD takes 46 GB.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.data.table import COMPONENTS, SAMPLES, BadTrace, Dataset

Array = Any


def compact(windows: Array, together: bool = False) -> tuple[Array, Array]:
    """Windows (n, 3, 6000) float32 -> the same without their means, in parts of each component's largest amplitude, as
    float16; and those amplitudes (n, 3, 1). together: of all components' largest (n, 1, 1), so that these keep their
    proportions."""
    centred = windows - windows.mean(axis=-1, keepdims=True, dtype=np.float64).astype(np.float32)
    peak = np.abs(centred).max(axis=(-2, -1) if together else -1, keepdims=True)
    return (centred / np.where(peak > 0, peak, 1)).astype(np.float16), peak


class InMemory:
    """Another data set, of which each trace is read from its files once and kept from then on."""

    def __init__(self, dataset: Dataset):
        self.dataset, self.table, self.skipped = dataset, dataset.table, dataset.skipped
        # Memory is taken page by page as traces come in: rows that are never asked for cost nothing.
        self._samples = np.zeros((len(dataset), COMPONENTS, SAMPLES), np.float16)
        self._peak = np.zeros((len(dataset), COMPONENTS, 1), np.float32)
        self._kept = np.zeros(len(dataset), bool)

    def __len__(self) -> int:
        return len(self.table)

    def read(self, row: int) -> Array:
        """(3, 6000) float32, without its mean."""
        window = np.empty((1, COMPONENTS, SAMPLES), np.float32)
        bad = self.read_into(np.array([row]), window)
        if bad:
            raise bad[0]
        return window[0]

    def read_into(self, rows: Array, out: Array) -> dict[int, BadTrace]:
        """As `read`; what is not yet in memory is read and kept. The first reading gives what later ones give."""
        new = np.flatnonzero(~self._kept[rows])
        bad: dict[int, BadTrace] = {}
        if len(new):
            windows = np.empty((len(new), COMPONENTS, SAMPLES), np.float32)
            reasons = self.dataset.read_into(rows[new], windows)
            bad = {int(new[i]): reason for i, reason in reasons.items()}
            good = np.setdiff1d(np.arange(len(new)), list(reasons))
            self._keep(rows[new[good]], windows[good])
        np.multiply(self._samples[rows], self._peak[rows], out=out)
        return bad

    def _keep(self, rows: Array, windows: Array) -> None:
        self._samples[rows], self._peak[rows] = compact(windows)
        self._kept[rows] = True  # last: other threads find the trace complete or not at all

    def report(self) -> str:
        return self.dataset.report()

    def columns(self, *names: str) -> dict[str, list[str]]:
        return self.dataset.columns(*names)

    def close(self) -> None:
        self.dataset.close()

    def __enter__(self) -> InMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
