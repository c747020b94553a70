"""Where records lie: files of any format that ObsPy reads, folders of them, SeisComP archives (SDS).

Only headers are read to know what there is; data are read for one station and one day at a time. A large miniSEED
file counts as many parts of whole records, each of which is read by itself: a month in one file takes no more memory,
and hardly more time, than a month in thirty. What cannot be read is left out, counted, and the rest goes on.
"""

from __future__ import annotations

import glob
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import obspy
from obspy import Stream, Trace, UTCDateTime
from obspy.io.mseed.core import _is_mseed as is_mseed

from minieqt.errors import UserError
from minieqt.records.apart import is_gse, read_apart
from minieqt.records.channel import outside, usable_rate
from minieqt.records.decode import NAMES, decode
from minieqt.records.find import find_files
from minieqt.records.left_out import LeftOut
from minieqt.records.mseed import LIKE_A_HEADER, scan, scan_file
from minieqt.records.selection import Selection, Station
from minieqt.records.span import SECOND, Span, duration, union

Array = Any

BLOCK = 2**21  # bytes of a miniSEED file that are read at a time: ObsPy unpacks all of them, and five times as many
NEAR = 3600 * SECOND  # data of one part that are no further apart count as one stretch
HEAD = 2**20  # bytes of a file that are searched for a first record, where ObsPy sees no waveforms

EMPTY = "empty file"
FORBIDDEN = "file that may not be read"
UNKNOWN = "file without waveforms that ObsPy reads"
DAMAGED = "damaged record"
RUBBISH = "bytes that are no record"


@dataclass(frozen=True, order=True)
class Part:
    """A file, or `size` bytes of a miniSEED file from `offset` on."""

    path: Path
    offset: int = 0
    size: int | None = None

    def read(self) -> bytes:
        """The bytes of a part that has a size."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True)
class Entry:
    """Part of a file, and when the data of one station in it begin and end (nanoseconds)."""

    part: Part
    start: int
    end: int


@dataclass
class Archive:
    """What was found: {station: its files}, and what was left out on the way."""

    selection: Selection
    entries: dict[Station, list[Entry]] = field(default_factory=dict)
    left_out: LeftOut = field(default_factory=LeftOut)
    complaint: str = ""  # what ObsPy said of the last file that it could not read

    @property
    def unreadable(self) -> Counter[str]:
        """How many files and parts of files could not be used, by reason."""
        return Counter(row.reason for row in self.left_out.rows if row.path and row.start is None)

    def days(self, day: int) -> list[tuple[int, Station]]:
        """(first nanosecond, station) of every day that has data; `day` is its length. Days first, then stations."""
        found = {
            (first, station)
            for station, entries in self.entries.items()
            for entry in entries
            for first in range(entry.start // day * day, entry.end, day)
        }
        return sorted(found)

    def extract(self, station: Station, start: int, end: int) -> Archive:
        """What of it holds data of one station between two times."""
        entries = [entry for entry in self.entries[station] if entry.start <= end and entry.end >= start]
        return Archive(self.selection, {station: entries})

    def parts(self, station: Station, start: int, end: int) -> list[Part]:
        """The files, or parts of them, that hold data of a station between two times."""
        return sorted({entry.part for entry in self.entries[station] if entry.start <= end and entry.end >= start})

    def files(self, station: Station, start: int, end: int) -> list[Path]:
        """The files that hold data of a station between two times."""
        return sorted({part.path for part in self.parts(station, start, end)})

    def read(self, station: Station, start: int, end: int, left_out: LeftOut | None = None) -> list[Trace]:
        """A station's traces between two times, cut to the selection; rates that are of no use left away.

        `left_out` gets what turns out to be damaged.
        """
        left_out = LeftOut() if left_out is None else left_out
        first = start if self.selection.start is None else max(start, self.selection.start.ns)
        last = end if self.selection.end is None else min(end, self.selection.end.ns)
        parts = self.parts(station, start, end)
        found = (trace for part in parts for trace in read_part(part, station, first, last, left_out))
        kept = [trace.slice(UTCDateTime(ns=first), UTCDateTime(ns=last)) for trace in found]
        return [trace for trace in kept if trace.stats.npts and usable_rate(trace.stats.sampling_rate)]

    # -- looking through files ---------------------------------------------------------------------------------------

    def look(self, path: Path) -> None:
        """Note what a file holds."""
        try:
            if path.stat().st_size == 0:
                self.left_out.refuse(path, EMPTY)
            elif is_mseed(str(path)) and self._scan(path):
                pass
            else:
                self._ask_obspy(path)
        except OSError as error:
            denied = isinstance(error, PermissionError)
            self.left_out.refuse(path, FORBIDDEN if denied else f"file that cannot be read ({error.strerror or error})")

    def _scan(self, path: Path) -> bool:
        """A miniSEED file, record by record; False if no record of it is understood."""
        found, rubbish = False, []
        for chunk in scan_file(path):
            rubbish += chunk.rubbish
            records = chunk.records
            found |= len(records) > 0
            ends = records["offset"] + records["length"]
            first = 0
            while first < len(records):
                last = max(int(np.searchsorted(ends, records["offset"][first] + BLOCK, "right")), first + 1)
                offset = int(records["offset"][first])
                part = Part(path, offset, int(ends[last - 1]) - offset)
                self._note(part, records[first:last])
                first = last
        if found:
            for offset, size in rubbish:
                self.left_out.refuse(f"{path} (bytes {offset} to {offset + size - 1})", RUBBISH)
        return found

    def _note(self, part: Part, records: Array) -> None:
        """The stations of a part, and what in it has a rate that is of no use."""
        records = records[records["samples"] > 0]
        for station in np.unique(records[["network", "station"]]):
            names = str(station["network"]), str(station["station"])
            if not self.selection.wants_station(*names):
                continue
            own = records[(records["network"] == names[0]) & (records["station"] == names[1])]
            good = usable_rate(own["rate"])
            spans = [self._wanted(*span) for span in spans_of(own[good])]
            entries = [Entry(part, *span) for span in union([span for span in spans if span], NEAR)]
            if entries:
                self.entries.setdefault(names, []).extend(entries)
            for record in own[~good]:
                samples, rate, start = int(record["samples"]), float(record["rate"]), int(record["start"])
                self._outside(part.path, ".".join(record[NAMES].tolist()), start, samples, rate)

    def _ask_obspy(self, path: Path) -> None:
        """A file of any format, by its header; where ObsPy knows none, miniSEED records may follow something else."""
        try:
            headers = read_waveforms(path)
        except UserError as error:
            with path.open("rb") as file:
                head = file.read(HEAD)
            if not (any(LIKE_A_HEADER.finditer(head)) and len(scan(head).records) and self._scan(path)):
                self.left_out.refuse(path, UNKNOWN)
                self.complaint = str(error)
            return
        for stats in (trace.stats for trace in headers):
            if stats.npts and self.selection.wants_station(stats.network, stats.station):
                start, rate = stats.starttime.ns, float(stats.sampling_rate)
                if not usable_rate(rate):
                    id = ".".join((stats.network, stats.station, stats.location, stats.channel))
                    self._outside(path, id, start, stats.npts, rate)
                elif span := self._wanted(start, start + duration(stats.npts, rate)):
                    self.entries.setdefault((stats.network, stats.station), []).append(Entry(Part(path), *span))

    def _wanted(self, start: int, end: int) -> Span | None:
        """The part of a stretch that the selection wants."""
        if not self.selection.wants_time(start, end - 1):
            return None
        limits = self.selection.start, self.selection.end
        return (
            start if limits[0] is None else max(start, limits[0].ns),
            end if limits[1] is None else min(end, limits[1].ns + 1),
        )

    def _outside(self, path: Path, id: str, start: int, samples: int, rate: float) -> None:
        """A channel whose rate is of no use."""
        span = self._wanted(start, start + (duration(samples, rate) if rate > 0 else 1))
        if span is not None:
            self.left_out.record(*span)
            self.left_out.leave(id, *span, outside(rate), str(path))


def open_archive(
    inputs: Iterable[Path],
    selection: Selection,
    progress: Callable[[Path], object] = lambda path: None,
    out: Path | None = None,
) -> Archive:
    """Look through files and folders, but not below `out`. UserError if nothing was found."""
    archive = Archive(selection)
    inputs = list(inputs)
    for path in find_files(inputs, archive.left_out.refuse, out):
        if selection.wants_name(path.name):
            progress(path)
            archive.look(path)
    if not archive.entries:
        where = ", ".join(map(str, inputs))
        which = " for this time and these stations" if selection != Selection() else ""
        if len(inputs) == 1 and inputs[0].is_file() and archive.complaint:
            raise UserError(archive.complaint)
        why = f" (left out: {archive.left_out})" if archive.left_out else ""
        raise UserError(f"no waveforms found in {where}{which}{why}")
    return archive


def read_waveforms(path: Path, start: UTCDateTime | None = None, end: UTCDateTime | None = None) -> Stream:
    """The traces of a file between two times, or, without times, their headers. UserError if ObsPy reads none."""
    options: dict[str, Any] = {"headonly": True} if start is None else {"starttime": start, "endtime": end}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if start is not None and end is not None and is_gse(path):
                return read_apart(path, start, end)
            return obspy.read(glob.escape(str(path)), **options)  # which takes a file's name for a pattern
    except Exception as error:  # ObsPy's readers raise whatever they like
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: no waveforms that ObsPy reads ({reason})") from error


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
    ends = records["start"] + np.round(records["samples"] / records["rate"] * SECOND).astype(np.int64)

    def damaged(record: Any) -> None:
        first, rate = int(record["start"]), float(record["rate"])
        last = first + duration(int(record["samples"]), rate)
        first, last = max(first, start), min(last, end + 1)
        left_out.record(first, last)
        left_out.leave(".".join(record[NAMES].tolist()), first, last, DAMAGED, str(part.path))

    return decode(data, records[(records["start"] <= end) & (ends >= start)], damaged)


def spans_of(records: Array) -> list[Span]:
    """When records hold data, in order; what lies nearer together than NEAR is one."""
    if not len(records):
        return []
    order = np.argsort(records["start"], kind="stable")
    starts = records["start"][order]
    lengths = np.round(records["samples"] / records["rate"] * SECOND).astype(np.int64)
    ends = np.maximum.accumulate(starts + lengths[order])
    first = np.flatnonzero(np.append(True, starts[1:] > ends[:-1] + NEAR))
    last = np.append(first[1:], len(starts)) - 1
    return list(zip(starts[first].tolist(), ends[last].tolist(), strict=True))
