"""A data set that lives on a GPU, and the loader whose batches are made there.

Traces are read from their files once. They stay as float32 where that fits, else as float16 in parts of the trace's
largest amplitude, which is never multiplied back: normalisation would undo it. The window kernels read
them where they lie; a batch costs the processor three launches, or none where a graph holds them. All of STEAD takes
91 GB as float32, 46 GB as float16.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from tqdm import trange

from minieqt.data.in_memory import compact
from minieqt.data.loader import Loader
from minieqt.data.make_windows import Wanted, facts_of, make_from_facts, rates_of
from minieqt.data.table import COMPONENTS, SAMPLES, BadTrace, Dataset
from minieqt.errors import UserError

Array = Any

BATCH = 512  # traces that go over at a time
ROOM = 8 * 2**30  # bytes left to the network and its batches


class OnDevice:
    """The traces of some rows, in device memory: samples (n, 3, 6000), `place` of each row of the table in them.

    xp: cupy, or a stand-in for it; free: bytes there are. UserError if not even float16 fits.
    """

    def __init__(self, dataset: Dataset, rows: Array, xp: Any, free: int):
        self.xp, self.rows = xp, np.unique(rows)
        values = len(self.rows) * COMPONENTS * SAMPLES
        sizes = {np.float32: 4 * values, np.float16: 2 * values}
        fitting = [dtype for dtype, size in sizes.items() if size + ROOM <= free]
        if not fitting:
            raise UserError(
                f"--cache gpu: {len(self.rows):,} traces take {2 * values / 1e9:.1f} GB as float16 beside "
                f"{ROOM / 1e9:.1f} GB for the network, and the GPU has {free / 1e9:.1f} GB free; take --cache ram"
            )
        self.place = np.full(len(dataset), -1)
        self.place[self.rows] = np.arange(len(self.rows))
        self.bad: dict[int, BadTrace] = {}
        self.samples = xp.empty((len(self.rows), COMPONENTS, SAMPLES), fitting[0])
        for start in trange(0, len(self.rows), BATCH, desc="to the GPU", leave=False, delay=1, disable=None):
            part = self.rows[start : start + BATCH]
            windows = np.zeros((len(part), COMPONENTS, SAMPLES), np.float32)
            self.bad |= {int(part[i]): reason for i, reason in dataset.read_into(part, windows).items()}
            samples = windows if fitting[0] is np.float32 else compact(windows, together=True)[0]
            self.samples[start : start + len(part)] = xp.asarray(samples)


class DeviceBatch:
    """A batch that is made on the GPU, where its traces are, when x or labels are first used. Otherwise as a Batch.

    inputs: the windows' facts alone (data/make_windows.py), a few kilobytes on the host. A captured step holds the
    kernels of `made`, and at every replay makes windows from other facts.
    """

    def __init__(self, facts: Array, rows: Array, number: int, made: Callable[[Array], tuple[Array, Array]], xp: Any):
        self.inputs, self.rows, self.number, self.made, self._xp = (facts,), rows, number, made, xp

    @cached_property
    def _windows(self) -> tuple[Array, Array]:
        return self.made(self._xp.asarray(*self.inputs))

    @property
    def x(self) -> Array:
        """(B, 3, 6000) float32, normalised, on the GPU; on the current stream, as everything here."""
        return self._windows[0]

    @property
    def labels(self) -> Array:
        """(B, 3, 6000) float32, detection, P, S, on the GPU."""
        return self._windows[1]


class DeviceLoader(Loader):
    """A Loader of rows that are all in an OnDevice. A batch takes the GPU too little time to be worth a thread."""

    def __init__(self, resident: OnDevice, dataset: Dataset, rows: Array, *args: Any, **options: Any):
        super().__init__(dataset, rows, *args, **options | {"threads": 0})
        if (normalisation := self.making.normalisation) != "component":
            raise UserError(f"--cache gpu normalises by component, the weights want {normalisation}: --cache ram")
        self.resident, self.xp = resident, resident.xp
        self.rates = self.xp.asarray(rates_of(self.making.augmentation))

    def made(self, facts: Array) -> tuple[Array, Array]:
        """x and labels (N, 3, 6000) of facts (13, N) on the GPU: three kernels, which wait for nothing."""
        x, labels = (self.xp.empty((facts.shape[1], COMPONENTS, SAMPLES), np.float32) for _ in range(2))
        samples = self.resident.samples
        make_from_facts(facts, self.rates, samples, x, labels, self.making.seed, self.making.label_shape, self.xp)
        return x, labels

    def _fetch(self, rows: Array) -> tuple[Array, Array, dict[int, BadTrace]]:
        bad = {i: self.resident.bad[row] for i, row in enumerate(rows.tolist()) if row in self.resident.bad}
        return self.resident.samples, self.resident.place[rows], bad

    def _make(self, raw: Array, wanted: Wanted, number: int) -> Any:
        facts = facts_of(self.dataset.table, wanted, self.making.augmentation)
        return DeviceBatch(facts, wanted.rows, number, self.made, self.xp)
