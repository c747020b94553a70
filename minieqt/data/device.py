"""A data set that lives on a GPU, and the loader whose batches are made there.

Traces are read from their files once. They stay as float32 where that fits, else as float16 in parts of each
component's largest amplitude, which is never multiplied back: normalisation would undo it. The window kernels read them
where they lie; a batch costs the processor three launches, and its `x` and `labels` are device arrays, which
`cupy.asarray` hands on as they are. All of STEAD takes 91 GB as float32, 46 GB as float16.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import trange

from minieqt.data.loader import Batch, Loader
from minieqt.data.memory import compact
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
            samples = windows if fitting[0] is np.float32 else compact(windows)[0]
            self.samples[start : start + len(part)] = xp.asarray(samples)


class DeviceLoader(Loader):
    """A Loader of rows that are all in an OnDevice. A batch takes the GPU too little time to be worth a thread."""

    def __init__(self, resident: OnDevice, dataset: Dataset, rows: Array, *args: Any, **options: Any):
        super().__init__(dataset, rows, *args, **options | {"threads": 0})
        self.resident = resident

    def _load(self, epoch: int, rows: Array, number: int) -> tuple[Batch, list[BadTrace]]:
        made = super()._load(epoch, rows, number)
        # The network computes on a stream of its own, which knows nothing of ours: the batch is there before it is
        # handed on, and whoever still read the memory it took has finished.
        self.resident.xp.cuda.runtime.deviceSynchronize()
        return made

    def _fetch(self, rows: Array) -> tuple[Array, Array, dict[int, BadTrace]]:
        bad = {i: self.resident.bad[row] for i, row in enumerate(rows.tolist()) if row in self.resident.bad}
        return self.resident.samples, self.resident.place[rows], bad

    def _room(self, windows: int) -> Array:
        return self.resident.xp.empty((windows, COMPONENTS, SAMPLES), np.float32)

    @property
    def _xp(self) -> Any:
        return self.resident.xp
