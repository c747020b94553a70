"""What to ask for: which station's channels on which day, chosen from what the services say they have.

A station may have several instruments. Of the given patterns (HH?, BH?, …) the first that a station has on a day
counts, at the location with most components; of equal ones the first in the alphabet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from obspy import Inventory, UTCDateTime

from minieqt.errors import UserError
from minieqt.records.span import DAY


@dataclass(frozen=True)
class Region:
    """A rectangle (degrees), a circle (degrees and km), or, with neither, everywhere."""

    rectangle: tuple[float, float, float, float] | None = None  # south, north, west, east
    circle: tuple[float, float, float] | None = None  # latitude, longitude, radius

    def __post_init__(self) -> None:
        """UserError for what is no region: some services answer with all they have."""
        if self.rectangle:
            south, north, west, east = self.rectangle
            if not (-90 <= south < north <= 90 and abs(west) <= 360 and abs(east) <= 360):  # or across 180°
                raise UserError(f"a rectangle is S N W E, in degrees and S below N, got {self.rectangle}")
        if self.circle:
            latitude, longitude, radius = self.circle
            if not (-90 <= latitude <= 90 and abs(longitude) <= 360 and 0 < radius < 20_100):
                raise UserError(f"a circle is LAT LON KM, in degrees and above 0 km, got {self.circle}")

    def parameters(self) -> dict[str, float]:
        """As fdsnws-station takes it."""
        if self.rectangle:
            names = ("minlatitude", "maxlatitude", "minlongitude", "maxlongitude")
            return dict(zip(names, self.rectangle, strict=True))
        if self.circle:
            latitude, longitude, radius = self.circle
            return {"latitude": latitude, "longitude": longitude, "maxradius": radius / KM_A_DEGREE}
        return {}


KM_A_DEGREE = 111.19


@dataclass(frozen=True)
class Wanted:
    """What to look for. Codes as fdsnws takes them ("CI,NN", "B*"); times in nanoseconds."""

    networks: str
    stations: str
    channels: tuple[str, ...]  # patterns, the best first
    start: int
    end: int
    region: Region
    responses: bool = False


@dataclass(frozen=True)
class Task:
    """One station's channels (location, channel) from `start` to `end` (nanoseconds), within one UTC day."""

    network: str
    station: str
    channels: tuple[tuple[str, str], ...]
    start: int
    end: int

    @property
    def name(self) -> str:
        return f"{self.network}.{self.station}"

    @property
    def day(self) -> str:
        return str(UTCDateTime(ns=self.start).date)

    def ids(self) -> list[str]:
        """NET.STA.LOC.CHA of every channel."""
        return [f"{self.name}.{location}.{channel}" for location, channel in self.channels]


def tasks(inventory: Inventory, patterns: Iterable[str], start: int, end: int) -> Iterator[Task]:
    """A task for every station and UTC day of an inventory with channels, day by day."""
    patterns = list(patterns)
    stations: dict[tuple[str, str], list[Any]] = {}
    for network in inventory:
        for station in network:
            stations.setdefault((network.code, station.code), []).extend(station.channels)
    for day in range(start // DAY * DAY, end, DAY):
        first, last = max(start, day), min(end, day + DAY)
        for (network, station), channels in sorted(stations.items()):
            chosen = choose([channel for channel in channels if runs(channel, first, last)], patterns)
            if chosen:
                yield Task(network, station, chosen, first, last)


def runs(channel: Any, start: int, end: int) -> bool:
    """Whether a channel's epoch meets the time from `start` to `end`."""
    began = channel.start_date is None or channel.start_date.ns < end
    return began and (channel.end_date is None or channel.end_date.ns > start)


def choose(channels: list[Any], patterns: list[str]) -> tuple[tuple[str, str], ...]:
    """The (location, channel) codes of the best instrument; none where no pattern fits."""
    for pattern in patterns:
        at: dict[str, set[str]] = {}
        for channel in channels:
            if fnmatchcase(channel.code, pattern):
                at.setdefault(channel.location_code, set()).add(channel.code)
        if at:
            location = min(at, key=lambda location: (-len(at[location]), location))
            return tuple((location, code) for code in sorted(at[location]))
    return ()
