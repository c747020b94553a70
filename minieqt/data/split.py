"""Training, validation and test: by earthquake, so that no event stands on two sides.

The published code splits trace by trace. Then one earthquake, seen at ten stations, stands in training and in
test at once, and the test measures partly memory. `by="trace"` is kept to match the paper.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.data.table import TraceTable
from minieqt.errors import UserError
from minieqt.philox import SPLIT, uniform

Array = Any

PARTS = ("training", "validation", "test")


def split(
    table: TraceTable,
    by: str = "event",
    fractions: tuple[float, float, float] = (0.85, 0.05, 0.10),
    seed: int = 0,
) -> tuple[Array, Array, Array]:
    """Rows of training, validation and test: three sorted int64 arrays that share no row and leave none out.

    Events (or traces) are shuffled by counter-based draws in the order of their names, so that the order of the
    rows does not matter, and dealt out until each part has its fraction of the traces. UserError if the
    fractions do not add up to 1, or if a part that should hold something is empty.
    """
    if by not in ("event", "trace"):
        raise UserError(f"cannot split by {by!r}; choose event or trace")
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise UserError(f"the fractions of a split must add up to 1, got {fractions}")
    groups, group_of_row, sizes = np.unique(
        table.event if by == "event" else table.name, return_inverse=True, return_counts=True
    )
    order = np.lexsort(uniform((seed, SPLIT), np.arange(len(groups)), 2, 0, 0).T)
    middle = np.cumsum(sizes[order]) - sizes[order] / 2  # of each group, in traces from the start
    part_of_group = np.empty(len(groups), np.int64)
    part_of_group[order] = np.searchsorted(np.cumsum(fractions[:2]) * len(table), middle, side="right")
    parts = tuple(np.flatnonzero(part_of_group[group_of_row] == part) for part in range(3))
    for name, rows, fraction in zip(PARTS, parts, fractions, strict=True):
        if fraction > 0 and len(rows) == 0:
            raise UserError(
                f"the {name} split is empty: {len(groups)} {by}s with {len(table)} traces cannot be dealt out as "
                f"{', '.join(f'{f:g}' for f in fractions)}; give more data or other fractions"
            )
    return parts[0], parts[1], parts[2]
