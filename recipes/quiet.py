"""More real noise: what a station recorded before an earthquake.

Recorded noise windows are few and come from a few places; but every earthquake window begins with seconds of its own
station's noise. Played back and forth, they fill a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minieqt.data.table import SAMPLES

Array = Any

MARGIN = 100  # samples before P that are left out: the label may be late
LEAST = 500  # samples that are worth a window


def quiet_windows(dataset: Any, rows: Array) -> Iterator[tuple[dict[str, Any], Array]]:
    """Noise windows (3, 6000) of those of some rows that show P late enough, as `write_windows` takes them."""
    table = dataset.table
    for row in rows[np.isfinite(table.p_sample[rows])].tolist():
        x = dataset.read(row)
        start, end = first_recorded(x), int(table.p_sample[row]) - MARGIN
        if end - start < LEAST:
            continue
        network, _, station = str(table.station[row]).rpartition(".")
        columns = {
            "network_code": network,
            "receiver_code": station,
            "trace_name": f"{table.name[row]}_before_P",
            "trace_category": "noise",
        }
        yield columns, back_and_forth(x[:, start:end])


def first_recorded(x: Array) -> int:
    """The sample of x (3, T) at which a component begins to change: before, the window was filled up."""
    changes = (np.diff(x, axis=-1) != 0).any(axis=0)
    return int(changes.argmax()) if changes.any() else x.shape[-1]


def back_and_forth(x: Array) -> Array:
    """x (3, T), backwards after its end and forwards again, so far as it takes: (3, 6000)."""
    return np.pad(x, ((0, 0), (0, max(SAMPLES - x.shape[-1], 0))), mode="symmetric")[:, :SAMPLES]
