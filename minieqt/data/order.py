"""In which order an epoch takes its traces.

Shuffled through and through by default. A spinning disk reads what lies side by side a hundred times faster: then
the traces are taken in blocks of neighbours, the blocks in random order, and those of a few blocks at a time shuffled
among each other, as in a buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.philox import SHUFFLE, uniform

Array = Any

BUFFER = 16  # blocks that are shuffled among each other


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
