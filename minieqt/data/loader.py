"""Batches: traces read, augmented, normalised and labelled, in an order and with random draws by counters.

No window depends on the batch size, on the batches before it, on how many threads make batches or on the rank: an epoch
resumed at its tenth batch goes on as if it had never stopped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from minieqt.data.augmentation import AUGMENTED, PLAIN, Augmentation
from minieqt.data.buffers import Buffers
from minieqt.data.make_windows import Making, Wanted, make_windows
from minieqt.data.order import Mixture, shuffled
from minieqt.data.partners import NOBODY, Partners
from minieqt.data.table import COMPONENTS, SAMPLES, BadTrace, Dataset, describe
from minieqt.errors import UserError

Array = Any

COPIES = {"both": [PLAIN, AUGMENTED], "augmented": [AUGMENTED]}  # of each trace in a training batch
HOPELESS = 100  # so many bad traces from the start of an epoch, and no good one: the data set is wrong


@dataclass(frozen=True)
class Batch:
    """`number` counts the epoch's batches from 0; a trace that could not be used is missing from its batch."""

    x: Array  # (B, 3, 6000) float32, normalised
    labels: Array  # (B, 3, 6000) float32, detection, P, S
    rows: Array  # (B,) int64, rows of the data set's table
    number: int

    @property
    def inputs(self) -> tuple[Array, ...]:
        """What goes over to a GPU, where `made` turns it into x and labels."""
        return self.x, self.labels

    @staticmethod
    def made(x: Array, labels: Array) -> tuple[Array, Array]:
        """x and labels from the inputs, which they are already."""
        return x, labels


class Loader:
    """The batches of some rows of a data set.

    With an augmentation, a batch holds batch_size / 2 traces twice, the augmented copy behind the plain one; so any
    even cut of a batch holds both kinds; with copies="augmented" batch_size traces, and no plain ones. Without an
    augmentation, batch_size traces as they were recorded. `skipped` collects the names of the traces that could not be
    used, by reason. UserError for a setting or rows that cannot work.

    threads: so many batches are made at once while the network works, and one more waits ready; 0 makes each batch
    when it is asked for. shard: (rank, ranks), the cut of every batch that this rank of several gets, in one piece.
    block: neighbours that are read together (see `order`), for disks with slow seeks. mixture: which rows an
    epoch takes how often, instead of each once. normalisation: one of data/normalise.py.
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
        threads: int = 1,
        shard: tuple[int, int] = (0, 1),
        block: int = 0,
        mixture: Mixture | None = None,
        normalisation: str = "component",
        copies: str = "both",
    ):
        self.copies = np.array([PLAIN] if augmentation is None else COPIES[copies])
        if batch_size < 1 or batch_size % len(self.copies):
            raise UserError(
                f"batch size must be at least 1, and even with augmentation, as a batch holds every trace twice; "
                f"got {batch_size}"
            )
        if len(rows) == 0:
            raise UserError("there are no traces to load: the split is empty")
        rank, ranks = shard
        if not 0 <= rank < ranks <= batch_size // len(self.copies):
            raise UserError(f"a batch of {batch_size} cannot be cut for rank {rank} of {ranks}; give larger batches")
        self.making = Making(augmentation, seed, label_shape, normalisation)
        self.dataset, self.rows = dataset, np.asarray(rows, np.int64)
        self.batch_size, self.seed, self.shuffle = batch_size, seed, shuffle
        self.partners = Partners(dataset.table, self.rows, augmentation, seed)
        self.threads, self.shard, self.block, self.mixture = threads, shard, block, mixture
        self._buffers = Buffers(3 * threads + 6)  # of every batch underway: traces, windows, labels
        self.skipped: dict[str, set[str]] = {}

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.mixture or self.rows) // self._traces_per_batch)

    @property
    def _traces_per_batch(self) -> int:
        return self.batch_size // len(self.copies)

    def order(self, epoch: int) -> Array:
        """(2, windows): the rows in the order of this epoch, and below each the pass that augmentation draws by."""
        if self.mixture is not None:
            return np.stack(self.mixture.order(self.seed, epoch))
        rows = shuffled(self.rows, self.seed, epoch, self.block) if self.shuffle else self.rows
        return np.stack([rows, np.full(len(rows), epoch)])

    def analyst(self, rows: Array) -> tuple[Array, Array, Array]:
        """What picks of some rows are scored by: earthquake (B,) bool, p_sample and s_sample (B,), NaN for none."""
        table = self.dataset.table.take(rows).to_score()
        return table.earthquake, table.p_sample, table.s_sample

    def epoch(self, epoch: int, first_batch: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from `first_batch` on.

        A batch without a single usable trace is left out, but for a shard's, which may be empty: ranks keep in step.
        """
        good = bad = 0
        for batch, reasons in self._ahead(epoch, first_batch):
            good += len(batch.rows)
            bad += len(reasons)
            for reason in reasons:
                self.skipped.setdefault(reason.reason, set()).add(reason.name)
            if good == 0 and bad >= min(HOPELESS, len(self.rows)):
                raise UserError(f"none of the first {bad} traces can be used: {self.report()}; check the data set")
            if len(batch.rows) or self.shard[1] > 1:
                yield batch

    def report(self) -> str:
        """One line on the traces skipped so far, or the empty text if there are none."""
        counts = {reason: len(names) for reason, names in self.skipped.items()}
        return describe(counts, {reason: min(names) for reason, names in self.skipped.items()})

    def _ahead(self, epoch: int, first_batch: int) -> Iterator[tuple[Batch, list[BadTrace]]]:
        """Every batch in turn, with the reasons for its missing traces; later ones are made meanwhile."""
        order, numbers = self.order(epoch), range(first_batch, len(self))
        if not self.threads:
            yield from (self._load(self._cut(order, number), number) for number in numbers)
            return
        pool = ThreadPoolExecutor(self.threads, "loader")
        waiting: deque[Future[tuple[Batch, list[BadTrace]]]] = deque()
        try:
            for number in numbers:
                waiting.append(pool.submit(self._load, self._cut(order, number), number))
                if len(waiting) > self.threads + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _cut(self, order: Array, number: int) -> Array:
        """The rows and passes of this shard of a batch (2, traces)."""
        whole = order[:, number * self._traces_per_batch :][:, : self._traces_per_batch]
        (rank, ranks), traces = self.shard, whole.shape[1]
        return whole[:, traces * rank // ranks : traces * (rank + 1) // ranks]

    def _load(self, traces: Array, number: int) -> tuple[Batch, list[BadTrace]]:
        rows, passes = traces
        partners = self.partners.of(rows, passes)
        paired = np.flatnonzero(partners != NOBODY)
        raw, place, bad = self._fetch(np.concatenate([rows, partners[paired]]))
        usable = np.array([len(rows) + i not in bad for i in range(len(paired))], bool)
        places = np.full(len(rows), NOBODY)
        places[paired[usable]] = place[len(rows) :][usable]
        partners[paired[~usable]] = NOBODY
        both = np.stack([places, partners])
        used = np.setdiff1d(np.arange(len(rows)), list(bad))
        source = np.repeat(used, len(self.copies))
        copies = np.tile(self.copies, len(used))
        wanted = Wanted(rows[source], copies, place[source], passes[source], both[:, source])
        batch = self._make(raw, wanted, number)
        return batch, [bad[i] for i in sorted(bad) if i < len(rows)]  # a partner is reported in its own turn

    # Where traces come from and how batches are made; a loader of traces on a GPU has its own.

    def _fetch(self, rows: Array) -> tuple[Array, Array, dict[int, BadTrace]]:
        """Traces (M, 3, 6000), which of them each row is, and {i: why rows[i] cannot be used}."""
        traces = self._traces_per_batch
        raw = self._room(-(-len(rows) // traces) * traces)[: len(rows)]  # of few sizes, so that it is used again
        return raw, np.arange(len(rows)), self.dataset.read_into(rows, raw)

    def _make(self, raw: Array, wanted: Wanted, number: int) -> Batch:
        """The batch of the wanted windows, from traces raw (M, 3, 6000)."""
        x, labels = (self._room(len(wanted.rows)) for _ in range(2))
        make_windows(raw, self.dataset.table, wanted, self.making, x, labels)
        return Batch(x, labels, wanted.rows, number)

    def _room(self, windows: int) -> Array:
        """(windows, 3, 6000) float32, of any contents."""
        return self._buffers.take(windows, COMPONENTS, SAMPLES)
