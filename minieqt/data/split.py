"""Training, validation and test: by earthquake, so that no event stands on two sides.

The published code splits trace by trace. Then one earthquake, seen at ten stations, stands in training and in
test at once, and the test partly measures memory. `by="trace"` is kept to match the paper; `by="station"` tests at
stations that are not in training; `by="time"` trains on the past and tests on what came later.
`given_split` takes the lists of another run, of a published model, or of a column in the CSV.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minieqt.data.several import Several
from minieqt.data.table import Dataset, TraceTable
from minieqt.errors import UserError
from minieqt.philox import SPLIT, uniform

Array = Any
Parts = tuple[Array, Array, Array]

PARTS = ("training", "validation", "test")
BY = ("event", "station", "trace", "time")
FRACTIONS = (0.85, 0.05, 0.10)
WITHOUT_VALIDATION = (0.90, 0.0, 0.10)
APART, SAME = np.timedelta64(120, "s"), np.timedelta64(1, "h")  # between two windows of one earthquake
COLUMN = "column"  # how to ask for the CSV's column `split`
COLUMN_PARTS = {"train": 0, "training": 0, "dev": 1, "val": 1, "validation": 1, "test": 2}


def split(
    table: TraceTable,
    by: str = "event",
    fractions: tuple[float, float, float] = FRACTIONS,
    seed: int = 0,
) -> Parts:
    """Rows of training, validation and test: three sorted int64 arrays that share no row and leave none out.

    Events (or stations, or traces) are shuffled by counter-based draws in the order of their names, so that the order
    of the rows does not matter, and dealt out until each part has its fraction of the traces. By time, events are
    dealt out from the first to the last, traces without a time last. UserError if the fractions do not add up to 1,
    or if a part that should hold something is empty.
    """
    if by not in BY:
        raise UserError(f"cannot split by {by!r}; choose {', '.join(BY)}")
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise UserError(f"the fractions of a split must add up to 1, got {fractions}")
    column: Array = {"station": table.station, "trace": table.name}.get(by, table.event)
    groups, group_of_row, sizes = np.unique(column, return_inverse=True, return_counts=True)
    if by == "time":
        first = np.full(len(groups), np.datetime64("9999-01-01", "us"))
        np.fmin.at(first, group_of_row, table.start_time)
        order = np.argsort(first, kind="stable")
    else:
        order = np.lexsort(uniform((seed, SPLIT), np.arange(len(groups)), 2, 0, 0).T)
    middle = np.cumsum(sizes[order]) - sizes[order] / 2  # of each group, in traces from the start
    part_of_group = np.empty(len(groups), np.int64)
    part_of_group[order] = np.searchsorted(np.cumsum(fractions[:2]) * len(table), middle, side="right")
    parts = tuple(np.flatnonzero(part_of_group[group_of_row] == part) for part in range(3))
    for name, rows, fraction in zip(PARTS, parts, fractions, strict=True):
        if fraction > 0 and len(rows) == 0:
            raise UserError(
                f"the {name} split is empty: {len(groups)} {by}s with {len(table)} traces cannot be dealt out as "
                f"{', '.join(f'{f:g}' for f in fractions)}; give more data"
            )
    return parts[0], parts[1], parts[2]


def validated_elsewhere(own: Dataset, validation: Dataset, parts: Parts) -> tuple[Several, Array, Parts]:
    """Another data set as the validation split, and `own`'s validation split joined to its training.

    Returns both as one data set, the validation set first; for each of its rows, which row of `own` it is or -1; and
    its splits. A trace of `own` that stands in the validation set too is left out, and so is from training whatever
    shows one of its earthquakes: it would be known already. UserError if nothing is left to train on.
    """
    both = Several([validation, own])
    row_of_own = np.where(both.part == 1, both.row, -1)
    place = np.full(len(own), -1)
    place[both.row[both.part == 1]] = np.flatnonzero(both.part == 1)
    training, test = (place[rows] for rows in (np.sort(np.concatenate(parts[:2])), parts[2]))
    chosen = np.flatnonzero(both.part == 0)
    training = training[(training >= 0) & ~shown_in(both.table, chosen)[training]]
    if len(training) == 0:
        raise UserError("every earthquake of the training split stands in the validation set: give other files")
    return both, row_of_own, (training, chosen, test[test >= 0])


def shown_in(table: TraceTable, rows: Array) -> Array:
    """(N,) bool: windows that may show an earthquake of these rows. Times decide, as every catalogue numbers
    events in its own way: those that begin within APART of one, or within SAME of one and name the same event; without
    a time, the name."""
    time = np.where(table.start_time > np.datetime64("1971"), table.start_time, np.datetime64("NaT"))
    events = set(table.event[rows].tolist())
    same = np.array([event in events for event in table.event.tolist()])
    timed = rows[table.earthquake[rows] & ~np.isnat(time[rows])]
    if not len(timed):
        return same
    others = np.sort(time[timed])
    after = np.searchsorted(others, time).clip(1, len(others)) - 1
    gap = np.fmin(abs(time - others[after]), abs(time - others[(after + 1).clip(max=len(others) - 1)]))
    timeless = np.isnat(time) | bool(np.isnat(time[rows]).any())
    return (table.earthquake & (gap <= APART)) | (same & (timeless | (gap <= SAME)))


def apart(table: TraceTable, parts: Sequence[Array]) -> int:
    """How many earthquake windows without a named event, each of which counts as its own event, begin within APART of a
    window of another part."""
    part = np.full(len(table), -1)
    for number, rows in enumerate(parts):
        part[rows] = number
    timed = np.flatnonzero(table.earthquake & (part >= 0) & (table.start_time > np.datetime64("1971")))
    timed = timed[np.argsort(table.start_time[timed], kind="stable")]
    torn = (np.diff(table.start_time[timed]) <= APART) & (np.diff(part[timed]) != 0)
    beside = np.zeros(len(table), bool)
    beside[timed[1:]] |= torn
    beside[timed[:-1]] |= torn
    return int((beside & (table.event == table.name)).sum())


# -- given lists -------------------------------------------------------------------------------------------


def make_split(how: str, dataset: Dataset, seed: int = 0, fractions: tuple[float, float, float] = FRACTIONS) -> Parts:
    """`split` by one of BY, or `column_split` ("column"), or `given_split` from a path. UserError as they do."""
    if how in BY:
        return split(dataset.table, how, fractions, seed)
    if how == COLUMN:
        return column_split(dataset)
    if not Path(how).exists():
        raise UserError(f"cannot split by {how!r}: choose {', '.join(BY)}, {COLUMN}, or name a file or folder of lists")
    return given_split(dataset.table, Path(how), seed)


def given_split(table: TraceTable, path: Path, seed: int = 0) -> Parts:
    """The split that lists of trace names give.

    path: a folder (a run's) with training, validation and test as .txt, a name per line, or .npy; or one such file with
    the names of the test alone (the published model's test.npy), the rest being dealt out 85 to 5 by event. Traces
    that no list names are left out. UserError for a list that is missing, empty or names none of the traces, and for
    a name on two lists.
    """
    if path.is_file():
        test = _rows_of(table, path)
        others = np.setdiff1d(np.arange(len(table)), test)
        first, second, _ = split(table.take(others), fractions=(0.85 / 0.9, 0.05 / 0.9, 0.0), seed=seed)
        return others[first], others[second], test
    files = [next((p for s in (".txt", ".npy") if (p := path / f"{name}{s}").exists()), None) for name in PARTS]
    for name, file in zip(PARTS, files, strict=True):
        if file is None:
            raise UserError(f"{path} holds neither {name}.txt nor {name}.npy")
    return _distinct([_rows_of(table, file) for file in files if file], str(path))


def column_split(dataset: Dataset) -> Parts:
    """The split that the data set's column `split` gives: train, dev and test, or their full names."""
    part = {name: COLUMN_PARTS.get(value.lower(), -1) for name, (value,) in dataset.columns("split").items()}
    of_row = np.array([part.get(name, -1) for name in dataset.table.name.tolist()])
    rows = [np.flatnonzero(of_row == number) for number in range(3)]
    for name, here in zip(PARTS, rows, strict=True):
        if not len(here):
            raise UserError(f"the column split gives no trace to {name}; it should say train, dev or test")
    return rows[0], rows[1], rows[2]


def _rows_of(table: TraceTable, path: Path) -> Array:
    """The rows of the traces that a file names."""
    try:
        lines = np.load(path).ravel() if path.suffix == ".npy" else path.read_text(encoding="utf-8-sig").splitlines()
    except (ValueError, OSError, EOFError, AttributeError) as error:
        raise UserError(f"{path} is no list of trace names ({error})") from error
    wanted = {(name.decode() if isinstance(name, bytes) else str(name)).strip() for name in lines} - {""}
    rows = np.flatnonzero([name in wanted for name in table.name.tolist()])
    if not len(rows):
        raise UserError(f"{path} names {len(wanted)} traces, and none of them is in the data set")
    return rows


def _distinct(parts: list[Array], source: str) -> Parts:
    """UserError if two parts share a row."""
    if len(np.unique(np.concatenate(parts))) < sum(map(len, parts)):
        raise UserError(f"the lists of {source} share traces: a trace may be named once only")
    return parts[0], parts[1], parts[2]
