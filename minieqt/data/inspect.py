"""What a data set holds, and what in it looks wrong."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from tqdm import trange

from minieqt.data.table import COMPONENTS, SAMPLES, Dataset, TraceTable

Array = Any

BATCH = 256
EDGES = {
    "magnitude": np.array([-2, 0, 1, 2, 3, 4, 5, 10.0]),
    "distance, km": np.array([0, 10, 20, 50, 100, 200, 20000.0]),
    "S − P, s": np.array([0, 1, 2, 5, 10, 20, 60.0]),
    "SNR, dB": np.array([-100, 0, 10, 20, 40, 60, 200.0]),
}


def measures(table: TraceTable) -> dict[str, Array]:
    """The quantities of EDGES of every earthquake, NaN where unknown; SNR is that of the worst component."""
    earthquakes = table.take(table.earthquake)
    return {
        "magnitude": earthquakes.magnitude,
        "distance, km": earthquakes.distance_km,
        "S − P, s": (earthquakes.s_sample - earthquakes.p_sample) / 100,
        "SNR, dB": earthquakes.snr_db.min(axis=1),
    }


def summary(dataset: Dataset) -> str:
    """Counts by category, magnitude, distance, S − P and SNR, as text."""
    table = dataset.table
    lines = [
        f"{len(table):,} traces: {table.earthquake.sum():,} earthquakes, {(~table.earthquake).sum():,} noise",
        f"{len(np.unique(table.event)):,} events, {len(np.unique(table.station[table.station != ''])):,} stations",
    ]
    for phase, other, missing in (("P", "S", table.s_sample), ("S", "P", table.p_sample)):
        alone = int((table.earthquake & np.isnan(missing)).sum())
        if alone:
            lines.append(f"{alone:,} earthquakes with {phase} alone: their {other} is unlabelled")
    if table.any_two:
        lines.append(f"{table.two.sum():,} windows with a second earthquake: labelled, their picks are not scored")
    for name, values in measures(dataset.table).items():
        edges = EDGES[name]
        counts, _ = np.histogram(values, [-np.inf, *edges, np.inf])
        inside = [f"{a:g} … {b:g}" for a, b in pairwise(edges)]
        spans = [f"below {edges[0]:g}", *inside, f"from {edges[-1]:g}"]
        lines.append(f"{name}: " + ", ".join(f"{span}: {n:,}" for span, n in zip(spans, counts, strict=True) if n))
        unknown = int(np.isnan(values).sum())
        if unknown:
            lines[-1] += f"{', ' if counts.any() else ''}unknown: {unknown:,}"
    if dataset.report():
        lines.append(dataset.report())
    return "\n".join(lines)


def suspicious(dataset: Dataset, rows: Array) -> dict[str, list[str]]:
    """{what looks wrong: names of the traces}: unreadable ones, dead components, copies of one component.

    Rows with arrivals out of range or S before P never reach the table: `report()` counts them.
    """
    found: dict[str, list[str]] = {}
    for start in trange(0, len(rows), BATCH, desc="looking", leave=False, delay=1, disable=None):
        part = rows[start : start + BATCH]
        windows = np.zeros((len(part), COMPONENTS, SAMPLES), np.float32)
        bad = dataset.read_into(part, windows)
        dead = np.ptp(windows, axis=-1) == 0
        copied = [(windows[:, a] == windows[:, b]).all(axis=-1) & ~dead[:, a] for a, b in ((0, 1), (0, 2), (1, 2))]
        for i, row in enumerate(part.tolist()):
            what = [bad[i].reason] if i in bad else []
            if not what and dead[i].any():
                what.append("no component alive" if dead[i].all() else "dead component")
            if not what and any(pair[i] for pair in copied):
                what.append("one component copied to another")
            for reason in what:
                found.setdefault(reason, []).append(str(dataset.table.name[row]))
    return found
