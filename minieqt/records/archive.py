"""Where records lie: files of any format that ObsPy reads, folders of them, SeisComP archives (SDS).

Only headers are read to know what there is; data are read for one station and one day at a time. What cannot be read is
left out and counted, and the rest goes on.

A file named as in an SDS says by its name which station and day it holds. Its headers may wait until that day is asked
for: `days` trusts the name, `look_around` reads the headers. What such files hold of other days is known once all of
them have been read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from obspy import Trace, UTCDateTime

from minieqt.errors import UserError
from minieqt.records.channel import usable_rate
from minieqt.records.contents import FORBIDDEN, Contents, Entry, Part, contents_of, read_waveforms
from minieqt.records.decode import decode
from minieqt.records.find import find_files
from minieqt.records.header_index import HeaderIndex
from minieqt.records.left_out import LeftOut
from minieqt.records.mseed import durations, id_of, scan
from minieqt.records.selection import Selection, Station, named_day
from minieqt.records.span import DAY, duration

DAMAGED = "damaged record"


@dataclass
class Archive:
    """What was found: {station: its files}, and what was left out on the way."""

    selection: Selection
    entries: dict[Station, list[Entry]] = field(default_factory=dict)
    left_out: LeftOut = field(default_factory=LeftOut)
    complaint: str = ""  # what ObsPy said of the last file that it could not read
    waiting: dict[Station, dict[int, list[str]]] = field(default_factory=dict)  # {station: {day in the name: files}}
    index: HeaderIndex | None = None
    by_day: dict[Station, dict[int, list[Entry]]] = field(default_factory=dict)

    @property
    def unreadable(self) -> Counter[str]:
        """How many files and parts of files could not be used, by reason."""
        return Counter(row.reason for row in self.left_out.rows if row.path and row.start is None)

    def days(self) -> list[tuple[int, Station]]:
        """(first nanosecond, station) of every UTC day that has data, by day, then by station.

        A file whose headers were not read yet counts for the day in its name.
        """
        found = {
            (first, station)
            for station, entries in self.entries.items()
            for entry in entries
            for first in range(entry.start // DAY * DAY, entry.end, DAY)
        }
        return sorted(found.union((first, station) for station, days in self.waiting.items() for first in days))

    def between(self, station: Station, start: int, end: int) -> list[Entry]:
        """What holds data of one station between two times."""
        days = self.by_day.get(station, {})
        near = (entry for day in range(start // DAY * DAY, end + 1, DAY) for entry in days.get(day, ()))
        return [entry for entry in dict.fromkeys(near) if entry.start <= end and entry.end >= start]

    def extract(self, station: Station, start: int, end: int) -> Archive:
        """What of it holds data of one station between two times."""
        found = Archive(self.selection)
        for entry in self.between(station, start, end):
            found.add(station, entry)
        return found

    def parts(self, station: Station, start: int, end: int) -> list[Part]:
        """The files, or parts of them, that hold data of a station between two times."""
        return sorted({entry.part for entry in self.between(station, start, end)})

    def files(self, station: Station, start: int, end: int) -> list[Path]:
        """The files that hold data of a station between two times."""
        return sorted({part.path for part in self.parts(station, start, end)})

    def read(self, station: Station, start: int, end: int, left_out: LeftOut | None = None) -> list[Trace]:
        """A station's traces between two times, cut to the selection, without those of unusable sampling rates.

        `left_out` gets what turns out to be damaged.
        """
        left_out = LeftOut() if left_out is None else left_out
        first = start if self.selection.start is None else max(start, self.selection.start.ns)
        last = end if self.selection.end is None else min(end, self.selection.end.ns - 1)
        parts = self.parts(station, start, end)
        found = (trace for part in parts for trace in read_part(part, station, first, last, left_out))
        kept = [self.selection.cut(trace.slice(UTCDateTime(ns=start), UTCDateTime(ns=end))) for trace in found]
        return [trace for trace in kept if trace.stats.npts and usable_rate(trace.stats.sampling_rate)]

    # -- looking through files ---------------------------------------------------------------------------------------

    def add(self, station: Station, entry: Entry) -> None:
        """A file, or a part of one, holds data of a station."""
        self.entries.setdefault(station, []).append(entry)
        days = self.by_day.setdefault(station, {})
        for day in range(entry.start // DAY * DAY, entry.end, DAY):
            days.setdefault(day, []).append(entry)

    def look(self, path: Path) -> None:
        """Note what a file holds."""
        try:
            held = self._headers(path)
        except OSError as error:
            denied = isinstance(error, PermissionError)
            self.left_out.refuse(path, FORBIDDEN if denied else f"file that cannot be read ({error.strerror or error})")
            return
        for station, entry in held.entries:
            self.add(station, entry)
        self.left_out.rows += [row for row in held.rows if row.start is None or row.length]
        self.left_out.recorded_lengths.append(sum(row.length for row in held.rows))
        self.complaint = held.complaint or self.complaint

    def _headers(self, path: Path) -> Contents:
        """What a file holds of the selection: from the index, or by reading its headers."""
        if self.index is None:
            return contents_of(path).wanted(self.selection)
        stat = path.stat()
        held = self.index.get(path, stat)
        if held is None or held.cut(self.selection):
            held = contents_of(path)
            self.index.put(path, stat, held)
        return held.wanted(self.selection)

    def look_around(self, station: Station, day: int) -> bool:
        """Read the headers that wait for a station's day and its neighbours; whether the day has data."""
        names = self.waiting.get(station, {})
        for path in (path for near in (day - DAY, day, day + DAY) for path in names.pop(near, ())):
            self.look(Path(path))
        return day in self.by_day.get(station, {})

    def look_at(self, files: set[Path]) -> None:
        """Read the headers that wait of these files (resolved paths)."""
        for days in self.waiting.values():
            for paths in days.values():
                for path in [path for path in paths if Path(path).resolve() in files]:
                    paths.remove(path)
                    self.look(Path(path))

    def look_until_found(self) -> None:
        """Read headers that wait until a file has data."""
        for station, days in self.waiting.items():
            for day in list(days):
                if self.entries:
                    return
                self.look_around(station, day)


def open_archive(
    inputs: Iterable[Path],
    selection: Selection,
    progress: Callable[[Path], object] = lambda path: None,
    out: Path | None = None,
    index: HeaderIndex | None = None,
) -> Archive:
    """Look through files and folders, but not below `out`. UserError if nothing was found.

    With an index only files that it does not know are read, and the headers of an SDS wait until they are asked for.
    """
    archive = Archive(selection, index=index)
    inputs = list(inputs)
    for path in find_files(inputs, archive.left_out.refuse, out):
        if selection.wants_name(path.name):
            progress(path)
            named = named_day(path.name) if index else None
            if named is None:
                archive.look(path)
            else:
                archive.waiting.setdefault(named[0], {}).setdefault(named[1], []).append(str(path))
    archive.look_until_found()
    if not archive.entries:
        where = ", ".join(map(str, inputs))
        which = " for this time and these stations" if selection != Selection() else ""
        if len(inputs) == 1 and inputs[0].is_file() and archive.complaint:
            raise UserError(archive.complaint)
        why = f" (left out: {archive.left_out})" if archive.left_out else ""
        raise UserError(f"no waveforms found in {where}{which}{why}")
    return archive


def read_part(part: Part, station: Station, start: int, end: int, left_out: LeftOut) -> list[Trace]:
    """The traces of one station in a part that have data between two times; `left_out` gets what is damaged."""
    if part.size is None:
        try:
            found = read_waveforms(part.path, UTCDateTime(ns=start), UTCDateTime(ns=end))
        except UserError:
            left_out.refuse(part.path, "file whose data ObsPy does not read")
            return []
        return [trace for trace in found if (trace.stats.network, trace.stats.station) == station]
    try:
        data = part.read()
    except OSError as error:
        left_out.refuse(part.path, f"file that cannot be read ({error.strerror or error})")
        return []
    records = scan(data).records
    records = records[(records["network"] == station[0]) & (records["station"] == station[1])]
    records = records[(records["samples"] > 0) & usable_rate(records["rate"])]
    ends = records["start"] + durations(records)

    def damaged(record: Any) -> None:
        first, rate = int(record["start"]), float(record["rate"])
        last = first + duration(int(record["samples"]), rate)
        first, last = max(first, start), min(last, end + 1)
        left_out.record(first, last)
        left_out.leave(id_of(record), first, last, DAMAGED, str(part.path))

    return decode(data, records[(records["start"] <= end) & (ends >= start)], damaged)
