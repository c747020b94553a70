"""In which order an epoch takes its traces.

All are shuffled by default. A spinning disk reads neighbouring traces a hundred times faster: for it, traces are taken
in blocks of neighbours, the blocks in random order, and the traces of a few blocks at a time are shuffled, as in a
buffer.

Several groups of rows may have shares of the epoch: of 1,000 windows a group with the share 0.3 gives 300, however
large it is. A group is shuffled as a whole, pass after pass, and each epoch takes the next 300: the end of a pass and
the beginning of another, or several passes. So all rows of a group come equally often, and no row comes twice in a
pass; augmentation draws by row and pass, and a repeated row is another window each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minieqt.errors import UserError
from minieqt.philox import SHUFFLE, uniform

Array = Any

BUFFER = 16  # blocks that are shuffled together


def shuffled(rows: Array, seed: int, epoch: int, block: int = 0) -> Array:
    """The rows in the order of this epoch; block: how many neighbours (by row number) are read together, 0 for none.

    Two draws for each row (and block) decide, so that what is left out does not change the order of the rest.
    """
    key = (seed, SHUFFLE)
    draws = uniform(key, rows, 2, epoch, 0).T
    if not block:
        return rows[np.lexsort(draws)]
    blocks, block_of_row = np.unique(rows // block, return_inverse=True)
    place = np.empty(len(blocks), np.int64)
    place[np.lexsort(uniform(key, blocks, 2, epoch, 1).T)] = np.arange(len(blocks))
    return rows[np.lexsort((*draws, place[block_of_row] // BUFFER))]


@dataclass(frozen=True)
class Mixture:
    """Groups of rows, and how many windows of each an epoch takes."""

    groups: tuple[Array, ...]
    counts: tuple[int, ...]

    def __len__(self) -> int:
        """Windows in an epoch."""
        return sum(self.counts)

    def order(self, seed: int, epoch: int) -> tuple[Array, Array]:
        """The rows of an epoch in their order, and the pass over its group in which each stands: both (len(self),)."""
        rows, passes = (np.concatenate(parts) for parts in zip(*self._parts(seed, epoch), strict=True))
        places = uniform((seed, SHUFFLE), np.arange(len(self)), 2, epoch, 2).T
        order = np.lexsort(places)
        return rows[order], passes[order]

    def _parts(self, seed: int, epoch: int) -> list[tuple[Array, Array]]:
        """(rows, passes) of each group: the next `count` of its passes, laid end to end."""
        parts = []
        for group, count in zip(self.groups, self.counts, strict=True):
            first, begun = divmod(epoch * count, len(group))
            last = ((epoch + 1) * count - 1) // len(group)
            rows = np.concatenate([shuffled(group, seed, number) for number in range(first, last + 1)])
            passes = np.repeat(np.arange(first, last + 1), len(group))
            parts.append((rows[begun : begun + count], passes[begun : begun + count]))
        return parts


def mixture(groups: Sequence[Array], shares: Sequence[float], windows: int) -> Mixture:
    """Groups of rows with shares of an epoch of so many windows; shares need not add up to 1.

    Counts are rounded so that they add up to `windows` (largest remainders). UserError for a share that is not a
    positive number, a group without rows, or a share of less than one window.
    """
    if len(groups) != len(shares):
        raise UserError(f"there are {len(shares)} shares for {len(groups)} data sets: give one for each")
    for number, (group, share) in enumerate(zip(groups, shares, strict=True), 1):
        if not 0 < share < float("inf"):
            raise UserError(f"share {share:g} of data set {number} must be above zero: leave out the set, or give more")
        if len(group) == 0:
            raise UserError(f"data set {number} has no training window that could have a share of {share:g}")
    exact = windows * np.asarray(shares, np.float64) / sum(shares)
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: windows - counts.sum()]] += 1
    if counts.min() == 0:
        number = int(counts.argmin())
        raise UserError(
            f"a share of {shares[number]:g} of data set {number + 1} is less than one of an epoch's {windows} windows: "
            "give it more, or longer epochs"
        )
    return Mixture(tuple(groups), tuple(counts.tolist()))
