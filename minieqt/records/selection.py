"""Which part of an archive is wanted: a stretch of time, and stations by patterns."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass

from obspy import UTCDateTime

from minieqt.errors import UserError

# SDS: Year/NET/STA/CHAN.TYPE/NET.STA.LOC.CHAN.TYPE.YEAR.DAY
SDS = re.compile(r"(\w*)\.(\w+)\.(\w*)\.(\w*)\.D\.(\d{4})\.(\d{3})")

Station = tuple[str, str]  # network, station


@dataclass(frozen=True)
class Selection:
    """From `start` to `end`, stations by patterns like "NC.*" or "B204", whatever their case.

    UserError if it ends before it starts.
    """

    start: UTCDateTime | None = None
    end: UTCDateTime | None = None
    stations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start > self.end:
            raise UserError(f"nothing lies between {self.start} and {self.end}: the end comes before the start")

    def wants_station(self, network: str, station: str) -> bool:
        code = f"{network}.{station}".upper()
        patterns = (pattern if "." in pattern else f"*.{pattern}" for pattern in self.stations)
        return not self.stations or any(fnmatch.fnmatchcase(code, pattern.upper()) for pattern in patterns)

    def wants_time(self, start: int, end: int) -> bool:
        """Whether anything from `start` to `end` (nanoseconds) is wanted."""
        return (self.start is None or end >= self.start.ns) and (self.end is None or start <= self.end.ns)

    def wants_name(self, name: str) -> bool:
        """Whether a file may hold what is wanted, by its name alone: only names of an SDS tell."""
        found = SDS.fullmatch(name)
        if found is None:
            return True
        network, station, _, _, year, day = found.groups()
        try:
            noon = UTCDateTime(year=int(year), julday=int(day)).ns + 43200 * 10**9
        except ValueError:  # day 000, or 366 of a common year: the records know better
            return self.wants_station(network, station)
        reach = (43200 + 3600) * 10**9  # a day's file may begin a little before and end a little after
        return self.wants_station(network, station) and self.wants_time(noon - reach, noon + reach)
