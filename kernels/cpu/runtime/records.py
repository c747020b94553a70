"""Tables that compiled code reads by name: rows of whole numbers, `stages[s].channels`, and columns,
`stages["channels"]`.

An array of records and not an np.recarray, whose type Numba would determine again at every call: that takes 50 µs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any


def records(rows: Sequence[Any]) -> Array:
    """NamedTuples of whole numbers -> an array (rows,) of np.record with their fields, int64."""
    fields = [(name, np.int64) for name in rows[0]._fields]
    return np.array([tuple(row) for row in rows], np.dtype((np.record, fields)))
