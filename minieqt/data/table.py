"""The table of a data set, one row per trace, and what every data set promises.

Formats differ (STEAD's HDF5 and CSV in `stead`); the split, the loader and the evaluation see only this: a
`TraceTable`, and `read(row)` for the waveform of one row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np

from minieqt.errors import UserError

Array = Any

TEXT = np.dtypes.StringDType()  # as long as each text is: names of a fixed width would take four times the memory
SAMPLES = 6000  # a window: 60 s at 100 Hz
RATE = 100.0  # Hz, what the network was trained on
COMPONENTS = 3  # E, N, Z


@dataclass(frozen=True)
class TraceTable:
    """Equal-length arrays, one row per trace; what is absent is NaN, NaT or the empty text. STEAD's takes about 230 MB.

    Samples count from the window's start and need not be whole. An earthquake has P, S or both: NaN is a phase that
    nobody picked. Noise has no arrivals and no coda; noise may carry the event it preceded, so that a split by event
    keeps the two together. A window may hold a second, later earthquake; the coda's end is then that of both.
    """

    name: Array  # (N,) TEXT
    earthquake: Array  # (N,) bool
    p_sample: Array  # (N,) float64
    s_sample: Array  # (N,) float64
    coda_end: Array  # (N,) float64
    snr_db: Array  # (N, 3) float32, E N Z
    event: Array  # (N,) TEXT
    station: Array  # (N,) TEXT, "NET.STA"
    magnitude: Array  # (N,) float32
    distance_km: Array  # (N,) float32
    start_time: Array  # (N,) datetime64[us]
    second_p: Array  # (N,) float64, of another earthquake in the window
    second_s: Array  # (N,) float64

    def __len__(self) -> int:
        return len(self.name)

    def take(self, rows: Array) -> TraceTable:
        """The table of some rows: indices or a boolean mask."""
        return TraceTable(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @cached_property
    def two(self) -> Array:
        """(N,) bool: windows that hold two earthquakes."""
        return ~np.isnan(self.second_p) | ~np.isnan(self.second_s)

    @cached_property
    def any_two(self) -> bool:
        """Whether there is such a window."""
        return bool(self.two.any())

    def to_score(self) -> TraceTable:
        """The table that picks are scored by: a window with two earthquakes has no arrivals in it.

        A picker answers one P and one S a window, and either earthquake's are right.
        """
        p, s = (np.where(self.two, np.nan, arrival) for arrival in (self.p_sample, self.s_sample))
        return replace(self, p_sample=p, s_sample=s)


def first_of_each(names: Array) -> Array:
    """The rows in which each name stands for the first time, in order."""
    codes = np.fromiter(map(hash, names), np.int64, len(names))
    if len(np.unique(codes)) == len(names):  # none comes twice: hashes show it in a third of the memory of texts
        return np.arange(len(names))
    return np.sort(np.unique(names, return_index=True)[1])


class Dataset(Protocol):
    """A table, and the waveform of each of its rows."""

    table: TraceTable
    skipped: dict[str, int]  # reason -> number of rows left out of the table

    def __len__(self) -> int: ...

    def read(self, row: int) -> Array:
        """(3, 6000) float32, E N Z, as recorded. BadTrace if the trace cannot be used."""

    def read_into(self, rows: Array, out: Array) -> dict[int, BadTrace]:
        """out[i] = read(rows[i]) for all of them, out (N, 3, 6000); {i: why} for those that cannot be used.

        Threads may call it side by side.
        """

    def report(self) -> str:
        """One line on the rows left out, or the empty text if there are none."""

    def columns(self, *names: str) -> dict[str, list[str]]:
        """{trace name: what stands in columns of the data set's own CSV}. UserError if there is no such column."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class BadTrace(UserError):
    """One trace that cannot be used; a loader counts it under `reason` and goes on."""

    def __init__(self, name: str, reason: str, detail: str):
        super().__init__(f"trace {name} {detail}")
        self.name, self.reason = name, reason


def read_each(read: Callable[[int], Array], rows: Array, out: Array) -> dict[int, BadTrace]:
    """`Dataset.read_into` by one `read` after the other."""
    bad = {}
    for i, row in enumerate(rows.tolist()):
        try:
            out[i] = read(row)
        except BadTrace as reason:
            bad[i] = reason
    return bad


def as_window(name: str, samples: Array) -> Array:
    """(6000, 3) numbers as stored -> (3, 6000) float32. BadTrace if the shape is wrong or a sample no finite number."""
    if samples.shape != (SAMPLES, COMPONENTS):
        raise BadTrace(name, "wrong shape", f"has shape {samples.shape}, wanted {(SAMPLES, COMPONENTS)}")
    if samples.dtype.kind not in "fiub":
        raise BadTrace(name, "no numbers", f"holds {samples.dtype} and no real numbers")
    with np.errstate(over="ignore"):  # a float64 too large for float32 becomes infinite, and is found below
        window = np.ascontiguousarray(samples.T, np.float32)
    if not np.isfinite(window).all():
        raise BadTrace(name, "NaN or infinity", "holds NaN or infinity")
    return window


def describe(counts: Mapping[str, int], first: Mapping[str, str]) -> str:
    """What was left out, in one line: "3 × wrong shape (first A.XX_1_EV), 1 × NaN or infinity (first …)"."""
    names = {reason: " ".join(name.splitlines())[:100] for reason, name in first.items()}  # of damaged files too
    return ", ".join(f"{count} × {reason} (first {names[reason]})" for reason, count in counts.items())
