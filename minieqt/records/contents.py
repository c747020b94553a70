"""What a file of records holds, by its headers alone: which stations, when, where in the file, and what is of no use.

A large miniSEED file is taken as many parts, each of whole records and read by itself: a month in one file takes no
more memory, and hardly more time, than a month in thirty files.
"""

from __future__ import annotations

import glob
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import obspy
from obspy import Stream, UTCDateTime
from obspy.io.mseed.core import _is_mseed as is_mseed

from minieqt.errors import UserError
from minieqt.records.apart import is_gse, read_apart
from minieqt.records.channel import outside, usable_rate
from minieqt.records.left_out import LeftOut, Row
from minieqt.records.mseed import LIKE_A_HEADER, durations, id_of, scan, scan_file
from minieqt.records.selection import Selection, Station
from minieqt.records.span import SECOND, Span, duration

Array = Any

BLOCK = 2**21  # bytes of a miniSEED file that are read at a time: ObsPy unpacks all of them, and five times as many
NEAR = 3600 * SECOND  # data of one part that are no further apart count as one stretch
HEAD = 2**20  # bytes of a file that are searched for a first record, where ObsPy sees no waveforms

EMPTY = "empty file"
FORBIDDEN = "file that may not be read"
UNKNOWN = "file without waveforms that ObsPy reads"
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
class Contents:
    """What a file holds, whatever of it is wanted."""

    entries: list[tuple[Station, Entry]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)  # what is of no use
    complaint: str = ""  # what ObsPy said, if it could not read it

    def wanted(self, selection: Selection) -> Contents:
        """That part of it that a selection wants; what is wrong with the file itself stays."""
        found = Contents(complaint=self.complaint)
        for station, entry in self.entries:
            span = selection.clip(entry.start, entry.end) if selection.wants_station(*station) else None
            if span is not None:
                found.entries.append((station, replace(entry, start=span[0], end=span[1])))
        for row in self.rows:
            kept = row if row.start is None else clip(row, selection)
            found.rows += [kept] if kept is not None else []
        return found

    def merged(self) -> Contents:
        """The same, with adjoining rows made one."""
        return replace(self, rows=LeftOut(rows=self.rows).merged())

    def cut(self, selection: Selection) -> bool:
        """Whether a selection begins or ends within a row: of merged ones it is not known how much that leaves."""
        spans = [(row.start, row.end) for row in self.rows if row.start is not None and row.end is not None]
        return any(selection.clip(*span) not in (None, span) for span in spans)


def clip(row: Row, selection: Selection) -> Row | None:
    """That part of a row with times that a selection wants."""
    assert row.start is not None and row.end is not None
    span = selection.clip(row.start, row.end) if selection.wants_station(*row.id.split(".")[:2]) else None
    if span is None or span == (row.start, row.end):
        return row if span else None
    return replace(row, start=span[0], end=span[1], length=span[1] - span[0])


def contents_of(path: Path) -> Contents:
    """Look at a file's headers. OSError if it cannot be read."""
    if path.stat().st_size == 0:
        return Contents(rows=[refused(path, EMPTY)])
    return (by_records(path) if is_mseed(str(path)) else None) or by_obspy(path)


def by_records(path: Path) -> Contents | None:
    """A miniSEED file, record by record; None if no record of it is understood."""
    contents, found, rubbish = Contents(), False, []
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
            contents.entries += entries_of(part, records[first:last])
            contents.rows += useless(path, records[first:last])
            first = last
    if not found:
        return None
    contents.rows += [refused(f"{path} (bytes {at} to {at + size - 1})", RUBBISH) for at, size in rubbish]
    return contents


def entries_of(part: Part, records: Array) -> Iterator[tuple[Station, Entry]]:
    """The stations of a part, and when they have data."""
    records = records[(records["samples"] > 0) & usable_rate(records["rate"])]
    for at in np.unique(records[["network", "station"]]):
        own = records[(records["network"] == at["network"]) & (records["station"] == at["station"])]
        for span in spans_of(own):
            yield (str(at["network"]), str(at["station"])), Entry(part, *span)


def useless(path: Path, records: Array) -> Iterator[Row]:
    """Records whose rate is of no use."""
    for record in records[(records["samples"] > 0) & ~usable_rate(records["rate"])]:
        start, samples, rate = int(record["start"]), int(record["samples"]), float(record["rate"])
        yield outside_rates(path, id_of(record), start, samples, rate)


def by_obspy(path: Path) -> Contents:
    """A file of any format, by its header; where ObsPy knows none, miniSEED records may follow something else."""
    try:
        headers = read_waveforms(path)
    except UserError as error:
        with path.open("rb") as file:
            head = file.read(HEAD)
        later = by_records(path) if any(LIKE_A_HEADER.finditer(head)) and len(scan(head).records) else None
        return later or Contents(rows=[refused(path, UNKNOWN)], complaint=str(error))
    contents = Contents()
    for stats in (trace.stats for trace in headers if trace.stats.npts):
        start, rate = stats.starttime.ns, float(stats.sampling_rate)
        if usable_rate(rate):
            entry = Entry(Part(path), start, start + duration(stats.npts, rate))
            contents.entries.append(((stats.network, stats.station), entry))
        else:
            id = ".".join((stats.network, stats.station, stats.location, stats.channel))
            contents.rows.append(outside_rates(path, id, start, stats.npts, rate))
    return contents


def outside_rates(path: Path, id: str, start: int, samples: int, rate: float) -> Row:
    """A stretch of a channel whose rate is of no use."""
    length = duration(samples, rate) if rate > 0 else 1
    return Row(id, str(path), start, start + length, length, outside(rate))


def refused(path: Path | str, reason: str) -> Row:
    """A file, or a part of it, that is of no use."""
    return Row("", str(path), None, None, 0, reason)


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


def spans_of(records: Array) -> list[Span]:
    """When records hold data, in order; what lies nearer together than NEAR is one."""
    if not len(records):
        return []
    order = np.argsort(records["start"], kind="stable")
    starts = records["start"][order]
    ends = np.maximum.accumulate(starts + durations(records)[order])
    first = np.flatnonzero(np.append(True, starts[1:] > ends[:-1] + NEAR))
    last = np.append(first[1:], len(starts)) - 1
    return list(zip(starts[first].tolist(), ends[last].tolist(), strict=True))
