"""Several data sets as one: STEAD's chunks, or an own catalogue beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from minieqt.data.table import BadTrace, Dataset, TraceTable, first_of_each

Array = Any

TWICE = "name that stands in two files"


class Several:
    """One table after the other; a trace whose name has come before is left out, and counted in `skipped`.

    part (N,): the number of the data set that each row comes from; row (N,): the row that it is there."""

    def __init__(self, datasets: Sequence[Dataset]):
        self.datasets = list(datasets)
        columns = {
            field.name: np.concatenate([getattr(part.table, field.name) for part in datasets])
            for field in fields(TraceTable)
        }
        table = TraceTable(**columns)
        self.part = np.repeat(np.arange(len(self.datasets)), [len(part) for part in datasets])
        self.row = np.concatenate([np.arange(len(part)) for part in datasets])
        new = first_of_each(table.name)
        self._twice = len(table) - len(new)
        self.table, self.part, self.row = table.take(new), self.part[new], self.row[new]
        counts: Counter[str] = Counter({TWICE: self._twice} if self._twice else {})
        for part in datasets:
            counts.update(part.skipped)
        self.skipped = dict(counts)

    def __len__(self) -> int:
        return len(self.table)

    def read(self, row: int) -> Array:
        """As the data set that the row comes from reads it."""
        return self.datasets[self.part[row]].read(int(self.row[row]))

    def read_into(self, rows: Array, out: Array) -> dict[int, BadTrace]:
        """Each data set reads its share."""
        bad: dict[int, BadTrace] = {}
        for number in np.unique(self.part[rows]).tolist():
            here = np.flatnonzero(self.part[rows] == number)
            share = np.empty((len(here), *out.shape[1:]), np.float32)
            reasons = self.datasets[number].read_into(self.row[rows[here]], share)
            out[here] = share
            bad |= {int(here[i]): reason for i, reason in reasons.items()}
        return bad

    def report(self) -> str:
        """One line on the rows left out, or the empty text if there are none."""
        lines = [report for part in self.datasets if (report := part.report())]
        return "; ".join(lines + ([f"{self._twice} × {TWICE}"] if self._twice else []))

    def columns(self, *names: str) -> dict[str, list[str]]:
        """Of all data sets together; the first counts where a name comes twice."""
        return {trace: row for part in reversed(self.datasets) for trace, row in part.columns(*names).items()}

    def close(self) -> None:
        for part in self.datasets:
            part.close()

    def __enter__(self) -> Several:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def entry_of_rows(dataset: Dataset, entries: int) -> Array:
    """(N,): which of so many that were opened together each row comes from; one alone may be several files itself."""
    return dataset.part if entries > 1 and isinstance(dataset, Several) else np.zeros(len(dataset), int)
