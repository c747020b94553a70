"""Which part of an archive is wanted: a stretch of time, and stations by patterns."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from obspy import Trace, UTCDateTime

from minieqt.errors import UserError
from minieqt.records.span import DAY, SECOND, Span

# SDS: Year/NET/STA/CHAN.TYPE/NET.STA.LOC.CHAN.TYPE.YEAR.DAY
SDS = re.compile(r"(\w*)\.(\w+)\.(\w*)\.(\w*)\.D\.(\d{4})\.(\d{3})")

EXACT = 1e-6  # of a sample, up to which two times are the same

Station = tuple[str, str]  # network, station


@dataclass(frozen=True)
class Selection:
    """From `start` to before `end`, stations by patterns like "NC.*" or "B204", whatever their case.

    UserError if nothing lies between.
    """

    start: UTCDateTime | None = None
    end: UTCDateTime | None = None
    stations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise UserError(f"nothing lies between {self.start} and {self.end}: the end does not come after the start")

    def wants_station(self, network: str, station: str) -> bool:
        code = f"{network}.{station}".upper()
        patterns = (pattern if "." in pattern else f"*.{pattern}" for pattern in self.stations)
        return not self.stations or any(fnmatch.fnmatchcase(code, pattern.upper()) for pattern in patterns)

    def wants_time(self, start: int, end: int) -> bool:
        """Whether anything from `start` to `end` (nanoseconds) is wanted."""
        return (self.start is None or end >= self.start.ns) and (self.end is None or start < self.end.ns)

    def clip(self, start: int, end: int) -> Span | None:
        """The part of a stretch (nanoseconds) that is wanted."""
        if not self.wants_time(start, end - 1):
            return None
        first = start if self.start is None else max(start, self.start.ns)
        return first, end if self.end is None else min(end, self.end.ns)

    def cut(self, trace: Trace) -> Trace:
        """The samples of a trace that are wanted; the data are not copied."""
        stats = trace.stats

        def before(time: UTCDateTime) -> int:
            samples = np.ceil((time.ns - stats.starttime.ns) / SECOND * stats.sampling_rate - EXACT)
            return int(np.clip(samples, 0, stats.npts))

        first = 0 if self.start is None else before(self.start)
        last = stats.npts if self.end is None else before(self.end)
        wanted = trace.slice()
        wanted.data = trace.data[first:last]
        wanted.stats.starttime += first / stats.sampling_rate
        return wanted

    def wants_name(self, name: str) -> bool:
        """Whether a file may hold what is wanted, by its name alone: only names of an SDS tell."""
        found = SDS.fullmatch(name)
        if found is None:
            return True
        day = day_of(found[5], found[6])
        if not self.wants_station(found[1], found[2]):
            return False
        reach = 3600 * SECOND  # a day's file may begin a little before and end a little after
        return day is None or self.wants_time(day - reach, day + DAY + reach)


def named_day(name: str) -> tuple[Station, int] | None:
    """Whose records a file of an SDS holds, and of which day (its first nanosecond), by its name."""
    found = SDS.fullmatch(name)
    day = day_of(found[5], found[6]) if found else None
    return None if found is None or day is None else ((found[1], found[2]), day)


@lru_cache(maxsize=4096)
def day_of(year: str, day: str) -> int | None:
    """The first nanosecond of a day of a year; None for day 000, or 366 of a common year: the records know better."""
    try:
        return UTCDateTime(year=int(year), julday=int(day)).ns
    except ValueError:
        return None
