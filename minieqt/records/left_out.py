"""What is not used, and why: one ledger of a run, whose seconds add up.

Every stretch of every channel that was read is either picked or stands here with a reason:

    seconds recorded = seconds picked + seconds left out

so nothing vanishes unseen. What could not be read at all has a path and no seconds. A station-day's ledger counts what
lies in its own day alone; the minutes of its neighbours, which it reads for context, are theirs to count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from obspy import UTCDateTime

from minieqt.files import csv_lines, write_text
from minieqt.records.span import SECOND

COLUMNS = "id path start end seconds reason".split()


@dataclass(frozen=True)
class Row:
    """A stretch of a channel (NET.STA.LOC.CHA), a file, or both; nanoseconds, None where they are not known."""

    id: str
    path: str
    start: int | None
    end: int | None
    length: int  # nanoseconds of data, which may be less than from start to end
    reason: str


@dataclass
class LeftOut:
    """The ledger. `first`, `last`: only what lies between them (nanoseconds) counts. May be written to by threads."""

    first: int | None = None
    last: int | None = None
    rows: list[Row] = field(default_factory=list)
    recorded_lengths: list[int] = field(default_factory=list)  # nanoseconds
    picked_lengths: list[int] = field(default_factory=list)

    @property
    def recorded(self) -> float:
        """Seconds of all channels together that were read."""
        return sum(self.recorded_lengths) / SECOND

    @property
    def picked(self) -> float:
        """Seconds of all channels together that the network saw."""
        return sum(self.picked_lengths) / SECOND

    @property
    def seconds(self) -> float:
        """Seconds of all channels together that were left out."""
        return sum(row.length for row in self.rows) / SECOND

    def inside(self, start: int, end: int) -> int:
        """How much from `start` to `end` counts here (nanoseconds)."""
        first = start if self.first is None else max(start, self.first)
        last = end if self.last is None else min(end, self.last)
        return max(last - first, 0)

    def record(self, start: int, end: int) -> None:
        """A channel was read from `start` to `end`."""
        self.recorded_lengths.append(self.inside(start, end))

    def pick(self, start: int, end: int) -> None:
        """A channel was picked from `start` to `end`."""
        self.picked_lengths.append(self.inside(start, end))

    def leave(self, id: str, start: int, end: int, reason: str, path: str = "") -> None:
        """A channel was left out from `start` to `end`."""
        length = self.inside(start, end)
        if length:
            first = start if self.first is None else max(start, self.first)
            self.rows.append(Row(id, path, first, first + length, length, reason))

    def refuse(self, path: Path | str, reason: str) -> None:
        """A file or folder, or a part of it, was left out."""
        self.rows.append(Row("", str(path), None, None, 0, reason))

    def merged(self) -> list[Row]:
        """The rows in order; those of one channel and reason that follow each other within a second are one."""
        found: list[Row] = []
        for row in sorted(self.rows, key=lambda row: (row.path, row.id, row.reason, row.start or 0, row.end or 0)):
            before = found[-1] if found else None
            same = before is not None and (row.id, row.path, row.reason) == (before.id, before.path, before.reason)
            if same and before and None not in (row.start, before.end) and row.start - before.end <= SECOND:  # type: ignore[operator]
                end = max(before.end or 0, row.end or 0)
                found[-1] = Row(row.id, row.path, before.start, end, before.length + row.length, row.reason)
            else:
                found.append(row)
        return found

    def extend(self, other: LeftOut) -> None:
        """Count what another ledger holds as well."""
        self.rows.extend(other.rows)
        self.recorded_lengths.append(sum(other.recorded_lengths))
        self.picked_lengths.append(sum(other.picked_lengths))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.merged())

    def __bool__(self) -> bool:
        return bool(self.rows)

    def __str__(self) -> str:
        """ "3 × one value repeated (412 s); 1 × damaged record (4 s; XX.AAA..HHZ.D.2022.037)"."""
        return "; ".join(describe(reason, rows) for reason, rows in by_reason(self.merged()))

    def to_csv(self, path: Path | str) -> None:
        """left_out.csv: id, path, start, end (UTC), seconds, reason."""
        rows: list[list[str]] = []
        for row in self.merged():
            times = ("" if time is None else str(UTCDateTime(ns=time)) for time in (row.start, row.end))
            seconds = "" if row.start is None else f"{row.length / SECOND:.6f}"
            rows.append([row.id, row.path, *times, seconds, row.reason])
        write_text(Path(path), "".join(csv_lines([COLUMNS, *rows])))

    # -- as part of a station-day's file -----------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        return {
            "recorded": sum(self.recorded_lengths),
            "picked": sum(self.picked_lengths),
            "rows": [astuple(row) for row in self.merged()],
        }

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> LeftOut:
        rows = [Row(*row) for row in held["rows"]]
        return cls(rows=rows, recorded_lengths=[held["recorded"]], picked_lengths=[held["picked"]])


def by_reason(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """Rows of each reason, the most frequent first."""
    rows = list(rows)
    counts = Counter(row.reason for row in rows)
    return [(reason, [row for row in rows if row.reason == reason]) for reason, _ in counts.most_common()]


def describe(reason: str, rows: list[Row]) -> str:
    """ "2 × empty file (a.mseed …)"."""
    seconds = sum(row.length for row in rows) / SECOND
    paths = list(dict.fromkeys(Path(row.path).name for row in rows if row.path))
    told = [f"{seconds:.4g} s" if seconds < 1e4 else f"{seconds / 3600:.1f} h"] if seconds else []
    told += [paths[0] + (" …" if len(paths) > 1 else "")] if paths else []
    return f"{len(rows)} × {reason}" + (f" ({'; '.join(told)})" if told else "")
