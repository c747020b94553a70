"""Where records lie: files of any format that ObsPy reads, folders of them, SeisComP archives (SDS).

Only headers are read to know what there is; data are read for one station and one day at a time. A large miniSEED
file counts as many parts of whole records, each of which is read by itself: a month in one file takes no more memory,
and hardly more time, than a month in thirty.
"""

from __future__ import annotations

import fnmatch
import glob
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import obspy
from obspy import Stream, Trace, UTCDateTime
from obspy.io.mseed.core import _is_mseed as is_mseed
from obspy.io.mseed.util import get_record_information

from minieqt.errors import UserError

# SDS: Year/NET/STA/CHAN.TYPE/NET.STA.LOC.CHAN.TYPE.YEAR.DAY
SDS = re.compile(r"(\w*)\.(\w+)\.(\w*)\.(\w*)\.D\.(\d{4})\.(\d{3})")

BLOCK = 2**21  # bytes of a miniSEED file that are read at a time: ObsPy unpacks all of them, and five times as many

Station = tuple[str, str]  # network, station


@dataclass(frozen=True)
class Selection:
    """Which part of an archive is wanted: from `start` to `end`, stations by patterns like "NC.*" or "B204".

    UserError if it ends before it starts.
    """

    start: UTCDateTime | None = None
    end: UTCDateTime | None = None
    stations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.start > self.end:
            raise UserError(f"nothing lies between {self.start} and {self.end}: the end comes before the start")

    def wants_station(self, network: str, station: str) -> bool:
        patterns = (pattern if "." in pattern else f"*.{pattern}" for pattern in self.stations)
        return not self.stations or any(fnmatch.fnmatchcase(f"{network}.{station}", pattern) for pattern in patterns)

    def wants_time(self, start: UTCDateTime, end: UTCDateTime) -> bool:
        return (self.start is None or end >= self.start) and (self.end is None or start <= self.end)

    def wants_name(self, name: str) -> bool:
        """Whether a file may hold what is wanted, by its name alone: only names of an SDS tell."""
        found = SDS.fullmatch(name)
        if found is None:
            return True
        network, station, _, _, year, day = found.groups()
        noon = UTCDateTime(year=int(year), julday=int(day)) + 43200
        reach = 43200 + 3600  # a day's file may begin a little before and end a little after
        return self.wants_station(network, station) and self.wants_time(noon - reach, noon + reach)


@dataclass(frozen=True, order=True)
class Part:
    """A file, or `size` bytes of a miniSEED file from `offset` on."""

    path: Path
    offset: int = 0
    size: int | None = None

    def source(self) -> str | io.BytesIO:
        """What ObsPy reads: it takes a file's name for a pattern."""
        if self.size is None:
            return glob.escape(str(self.path))
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return io.BytesIO(file.read(self.size))


@dataclass(frozen=True)
class Entry:
    """Part of a file, and when the data of one station in it begin and end (nanoseconds)."""

    part: Part
    start: int
    end: int


@dataclass
class Archive:
    """What was found: {station: its files}, and what could not be read, counted by reason."""

    selection: Selection
    entries: dict[Station, list[Entry]] = field(default_factory=dict)
    unreadable: Counter[str] = field(default_factory=Counter)

    def days(self, day: int) -> list[tuple[int, Station]]:
        """(first nanosecond, station) of every day that has data; `day` is its length. Days first, then stations."""
        found = {
            (first, station)
            for station, entries in self.entries.items()
            for entry in entries
            for first in range(entry.start // day * day, entry.end + 1, day)
        }
        return sorted(found)

    def parts(self, station: Station, start: int, end: int) -> list[Part]:
        """The files, or parts of them, that hold data of a station between two times."""
        return sorted({entry.part for entry in self.entries[station] if entry.start <= end and entry.end >= start})

    def files(self, station: Station, start: int, end: int) -> list[Path]:
        """The files that hold data of a station between two times."""
        return sorted({part.path for part in self.parts(station, start, end)})

    def read(self, station: Station, start: int, end: int) -> list[Trace]:
        """A station's traces between two times, cut to the selection."""
        first = UTCDateTime(ns=start if self.selection.start is None else max(start, self.selection.start.ns))
        last = UTCDateTime(ns=end if self.selection.end is None else min(end, self.selection.end.ns))
        found = (read_waveforms(part, station, first, last) for part in self.parts(station, start, end))
        return [trace for stream in found for trace in stream]


def read_waveforms(
    part: Part, station: Station | None = None, start: UTCDateTime | None = None, end: UTCDateTime | None = None
) -> Stream:
    """The traces of one station between two times, or the headers of all. UserError if ObsPy reads no waveforms."""
    options: dict[str, Any] = {"starttime": start, "endtime": end, "headonly": station is None}
    try:
        if station is not None and is_mseed(str(part.path)):  # what is of others need not be unpacked
            options |= {"format": "MSEED", "sourcename": ".".join((*station, "*"))}
        stream = obspy.read(part.source(), **options)
    except Exception as error:  # ObsPy's readers raise whatever they like
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{part.path}: no waveforms that ObsPy reads ({reason})") from error
    if station is None:
        return stream
    return Stream([trace for trace in stream if (trace.stats.network, trace.stats.station) == station])


def split_file(path: Path) -> list[Part]:
    """A large miniSEED file as parts of so many whole records; any other file as it is."""
    size = path.stat().st_size
    if size <= BLOCK or not is_mseed(str(path)):
        return [Part(path)]
    length = get_record_information(str(path))["record_length"]
    step = max(BLOCK // length, 1) * length
    return [Part(path, offset, min(step, size - offset)) for offset in range(0, size, step)]


def open_archive(
    inputs: Iterable[Path], selection: Selection, progress: Callable[[Path], object] = lambda path: None
) -> Archive:
    """Look through files and folders. UserError if a file that was named cannot be read, or nothing was found."""
    archive = Archive(selection)
    inputs = list(inputs)
    for path, named in find_files(inputs, selection):
        progress(path)
        try:
            for part in split_file(path):
                for station, (start, end) in spans(read_waveforms(part), selection).items():
                    archive.entries.setdefault(station, []).append(Entry(part, start, end))
        except UserError:
            if named:
                raise
            archive.unreadable["file without waveforms that ObsPy reads"] += 1
    if not archive.entries:
        where = ", ".join(map(str, inputs))
        which = " for this time and these stations" if selection != Selection() else ""
        raise UserError(f"no waveforms found in {where}{which}")
    return archive


def spans(headers: Stream, selection: Selection) -> dict[Station, tuple[int, int]]:
    """When the wanted data of each station begin and end (nanoseconds)."""
    found: dict[Station, tuple[int, int]] = {}
    for stats in (trace.stats for trace in headers):
        wanted = selection.wants_station(stats.network, stats.station)
        if stats.npts and wanted and selection.wants_time(stats.starttime, stats.endtime):
            start = stats.starttime if selection.start is None else max(stats.starttime, selection.start)
            end = stats.endtime if selection.end is None else min(stats.endtime, selection.end)
            station = (stats.network, stats.station)
            known = found.get(station, (start.ns, end.ns))
            found[station] = min(known[0], start.ns), max(known[1], end.ns)
    return found


def find_files(inputs: Iterable[Path], selection: Selection) -> Iterator[tuple[Path, bool]]:
    """(file, whether it was named itself) of every input, in order of their names. UserError if one is missing."""
    seen: set[Path] = set()
    for path in inputs:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder")
        named = path.is_file()
        for found in [path] if named else sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if found.is_file() and not hidden and selection.wants_name(found.name) and found.resolve() not in seen:
                seen.add(found.resolve())
                yield found, named
