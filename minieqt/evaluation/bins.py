"""Which earthquakes are picked well: the measures by magnitude, distance, SNR, S − P, and station.

The edges are those by which `inspect` describes a data set. A bin holds earthquakes only, so that it has recall and
residuals but no precision: noise has no magnitude. A station's bin holds its noise windows too, so it has all measures.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.data.inspect import EDGES, measures
from minieqt.data.table import TraceTable
from minieqt.evaluation.answers import Answers
from minieqt.evaluation.metrics import Evaluation

Array = Any

UNKNOWN = "unknown"


def bins(table: TraceTable) -> list[tuple[str, str, Array]]:
    """(quantity, bin, rows) of every bin that holds an earthquake, in order; those without a value come last."""
    earthquakes = np.flatnonzero(table.earthquake)
    found = []
    for quantity, values in measures(table).items():
        edges = EDGES[quantity]
        place = np.searchsorted(edges, values, side="right")
        names = {k: f"{edges[k - 1]:g} … {edges[k]:g}" for k in range(1, len(edges))}
        names |= {0: f"below {edges[0]:g}", len(edges): f"from {edges[-1]:g}"}
        known = np.isfinite(values)
        for k in sorted(names):
            rows = earthquakes[known & (place == k)]
            if len(rows):
                found.append((quantity, names[k], rows))
        if not known.all():
            found.append((quantity, UNKNOWN, earthquakes[~known]))
    return found


def stations(table: TraceTable) -> list[tuple[str, str, Array]]:
    """("station", its code, rows) of every station, those with most windows first."""
    names, which, counts = np.unique(table.station, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [("station", str(names[k]) or UNKNOWN, np.flatnonzero(which == k)) for k in order.tolist()]


def by_bin(answers: Answers, table: TraceTable, thresholds: dict[str, float]) -> list[dict[str, Any]]:
    """One row a bin: quantity, bin, and the report of its windows (see `Evaluation.report`)."""
    rows = []
    for quantity, name, members in bins(table) + stations(table):
        evaluation = Evaluation(*thresholds.values())
        part = table.take(members)
        evaluation.add(answers.take(members), part.earthquake, part.p_sample, part.s_sample)
        rows.append({"quantity": quantity, "bin": name} | evaluation.report())
    return rows
