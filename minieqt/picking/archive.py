"""Where records lie: files of any format that ObsPy reads, folders of them, SeisComP archives (SDS).

Only headers are read to know what there is; data are read for one station and one day at a time.
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

import obspy
from obspy import Stream, Trace, UTCDateTime
from obspy.io.mseed.core import _is_mseed as is_mseed
from obspy.io.mseed.util import get_record_information

from minieqt.errors import UserError

# SDS: Year/NET/STA/CHAN.TYPE/NET.STA.LOC.CHAN.TYPE.YEAR.DAY
SDS = re.compile(r"(\w*)\.(\w+)\.(\w*)\.(\w*)\.D\.(\d{4})\.(\d{3})")

BLOCK = 2**26  # bytes of a miniSEED file that are read at a time

Station = tuple[str, str]  # network, station


@dataclass(frozen=True)
class Selection:
    """Which part of an archive is wanted: from `start` to `end`, stations by patterns like "NC.*" or "B204"."""

    start: UTCDateTime | None = None
    end: UTCDateTime | None = None
    stations: tuple[str, ...] = ()

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


@dataclass(frozen=True)
class Entry:
    """One file and when the data of one station in it begin and end (nanoseconds)."""

    path: Path
    start: int
    end: int


@dataclass
class Archive:
    """What was found: {station: its files}, and what could not be read, counted by reason."""

    selection: Selection
    entries: dict[Station, list[Entry]] = field(default_factory=dict)
    unreadable: Counter[str] = field(default_factory=Counter)
    shared: set[Path] = field(default_factory=set)  # files of several stations: kept while they are of use
    held: tuple[tuple[Path, int, int], Stream] | None = None

    def days(self, day: int) -> list[tuple[int, Station]]:
        """(first nanosecond, station) of every day that has data; `day` is its length. Days first, then stations."""
        found = {
            (first, station)
            for station, entries in self.entries.items()
            for entry in entries
            for first in range(entry.start // day * day, entry.end + 1, day)
        }
        return sorted(found)

    def files(self, station: Station, start: int, end: int) -> list[Path]:
        """The files that hold data of a station between two times."""
        return sorted({entry.path for entry in self.entries[station] if entry.start <= end and entry.end >= start})

    def read(self, station: Station, start: int, end: int) -> list[Trace]:
        """A station's traces between two times, cut to the selection."""
        traces: list[Trace] = []
        for path in self.files(station, start, end):
            key = (path, start, end)
            if self.held is not None and self.held[0] == key:
                stream = self.held[1]
            else:
                stream = read_waveforms(path, UTCDateTime(ns=start), UTCDateTime(ns=end))
                if path in self.shared:
                    self.held = key, stream
            wanted = (trace for trace in stream if (trace.stats.network, trace.stats.station) == station)
            traces += (trace.slice(self.selection.start, self.selection.end) for trace in wanted)
        return traces


def read_waveforms(
    path: Path, start: UTCDateTime | None = None, end: UTCDateTime | None = None, headonly: bool = False
) -> Stream:
    """One file, between two times. UserError if it holds no waveforms that ObsPy reads."""
    options = {"starttime": start, "endtime": end, "headonly": headonly}
    try:
        if path.stat().st_size <= BLOCK or not is_mseed(str(path)):
            return obspy.read(glob.escape(str(path)), **options)
        return Stream([trace for block in blocks(path) for trace in obspy.read(block, format="MSEED", **options)])
    except Exception as error:  # ObsPy's readers raise whatever they like
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: no waveforms that ObsPy reads ({reason})") from error


def blocks(path: Path) -> Iterator[io.BytesIO]:
    """A large miniSEED file, so many whole records at a time: ObsPy holds what it is given in memory."""
    length = get_record_information(str(path))["record_length"]
    with path.open("rb") as file:
        while block := file.read(max(BLOCK // length, 1) * length):
            yield io.BytesIO(block)


def open_archive(
    inputs: Iterable[Path], selection: Selection, progress: Callable[[Path], object] = lambda path: None
) -> Archive:
    """Look through files and folders. UserError if a file that was named cannot be read, or nothing was found."""
    archive = Archive(selection)
    inputs = list(inputs)
    for path, named in find_files(inputs, selection):
        progress(path)
        try:
            headers = read_waveforms(path, headonly=True)
        except UserError:
            if named:
                raise
            archive.unreadable["file without waveforms that ObsPy reads"] += 1
            continue
        spans: dict[Station, tuple[int, int]] = {}
        for stats in (trace.stats for trace in headers):
            wanted = selection.wants_station(stats.network, stats.station)
            if stats.npts and wanted and selection.wants_time(stats.starttime, stats.endtime):
                station = (stats.network, stats.station)
                start, end = spans.get(station, (stats.starttime.ns, stats.endtime.ns))
                spans[station] = min(start, stats.starttime.ns), max(end, stats.endtime.ns)
        for station, (start, end) in spans.items():
            start = start if selection.start is None else max(start, selection.start.ns)
            end = end if selection.end is None else min(end, selection.end.ns)
            archive.entries.setdefault(station, []).append(Entry(path, start, end))
        if len(spans) > 1:
            archive.shared.add(path)
    if not archive.entries:
        where = ", ".join(map(str, inputs))
        which = " for this time and these stations" if selection != Selection() else ""
        raise UserError(f"no waveforms found in {where}{which}")
    return archive


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
