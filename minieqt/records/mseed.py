"""The records of a miniSEED file: where each begins, how long it is, whose it is, and what time its clock says.

A file is a row of records of 128 bytes to 1 MiB, by far most often 512 or 4096, each with a header of 48 bytes and
"blockettes" behind it. Blockette 1000 holds the record's length, 1001 microseconds, 100 an exact sampling rate. ObsPy
unpacks the data; headers are read here, because ObsPy gives up a file at its first damaged record, takes the length of
the first record for all, and forgets the clock's own times: where records follow each other to half a sample it keeps
the first one's start alone, and a clock that drifts is seconds off by the evening.

Records of one length that follow each other are read together, as rows of an array. Between them there may be bytes
that are no record: blanks, or rubbish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

Array = Any

CHUNK = 2**22  # bytes of a file that are looked at together: more than any record
LENGTHS = tuple(2**n for n in range(7, 21))
LIKE_A_HEADER = re.compile(rb"[0-9 \x00]{6}[DRQM][ \x00]")
CONTROL = re.compile(rb"[0-9 \x00]{6}[VAST \x00][ \x00]")  # SEED's control headers, and records that were left empty
FIXED = np.dtype(
    [
        ("sequence", "S6"),
        ("kind", "u1"),
        ("reserved", "u1"),
        ("station", "S5"),
        ("location", "S2"),
        ("channel", "S3"),
        ("network", "S2"),
        ("year", ">u2"),
        ("day", ">u2"),
        ("hour", "u1"),
        ("minute", "u1"),
        ("second", "u1"),
        ("unused", "u1"),
        ("fraction", ">u2"),  # 0.1 ms
        ("samples", ">u2"),
        ("factor", ">i2"),
        ("multiplier", ">i2"),
        ("activity", "u1"),
        ("input", "u1"),
        ("quality", "u1"),
        ("blockettes", "u1"),
        ("correction", ">i4"),  # 0.1 ms
        ("data", ">u2"),
        ("first", ">u2"),  # where the first blockette begins
    ]
)
RECORD = np.dtype(
    [
        ("offset", "i8"),
        ("length", "i4"),
        ("network", "U2"),
        ("station", "U5"),
        ("location", "U2"),
        ("channel", "U3"),
        ("start", "i8"),  # nanoseconds since 1970
        ("samples", "i4"),
        ("rate", "f8"),  # Hz
    ]
)


CODES = ["network", "station", "location", "channel"]


@dataclass
class Layout:
    """What records of one kind have in common: byte order, length, and where their blockettes begin."""

    order: Literal["<", ">"]
    length: int
    blockettes: dict[int, int]


@dataclass
class Scan:
    """Records (`RECORD`) of some bytes, (offset, size) of bytes that are no record, and how many bytes were used up."""

    records: Array
    rubbish: list[tuple[int, int]]
    used: int


def scan_file(path: Path) -> Iterator[Scan]:
    """A file, CHUNK by CHUNK, offsets counted from its beginning."""
    with path.open("rb") as file:
        begin, held = 0, b""
        while True:
            new = file.read(CHUNK)
            held += new
            found = scan(held, whole=not new)
            found.records["offset"] += begin
            found.rubbish = [(begin + offset, size) for offset, size in found.rubbish]
            yield found
            if not new:
                return
            begin, held = begin + found.used, held[found.used :]


def scan(data: bytes, whole: bool = True) -> Scan:
    """The records of some bytes; if they are not the `whole`, a record that is cut off at the end is left unused."""
    runs, rubbish, at = [], [], 0
    while at < len(data):
        layout = read_layout(data, at, whole)
        if layout is not None and at + layout.length <= len(data):
            records = read_run(data, at, layout)
            runs.append(records)
            at += len(records) * layout.length
            continue
        if layout is not None and not whole:
            break
        following = LIKE_A_HEADER.search(data, at + 1)
        end = following.start() if following else len(data)
        if not whole and following is None:
            end = max(at, len(data) - LENGTHS[-1])  # a header may be cut off
        if data[at:end].strip(b" \0") and not CONTROL.match(data, at):
            rubbish.append((at, end - at))
        if end == at:
            break
        at = end
    return Scan(np.concatenate([np.empty(0, RECORD), *runs]), merged(rubbish), at)


def merged(rubbish: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches that touch, as one."""
    found: list[tuple[int, int]] = []
    for offset, size in rubbish:
        if found and sum(found[-1]) == offset:
            found[-1] = found[-1][0], found[-1][1] + size
        else:
            found.append((offset, size))
    return found


def read_layout(data: bytes, at: int, whole: bool = True) -> Layout | None:
    """How the record at `at` is laid out; None if no record begins there."""
    if not LIKE_A_HEADER.match(data, at) or at + 48 > len(data):
        return None
    orders: tuple[Literal["<", ">"], ...] = (">", "<")
    for order in orders:
        head = np.frombuffer(data, FIXED.newbyteorder(order), 1, at)
        if plausible(head)[0]:
            break
    else:
        return None
    blockettes: dict[int, int] = {}
    place = int(head["first"][0])
    for _ in range(int(head["blockettes"][0])):
        if not 48 <= place <= LENGTHS[-1] or at + place + 8 > len(data):
            break
        kind, following = np.frombuffer(data, f"{order}u2", 2, at + place)
        blockettes.setdefault(int(kind), place)
        if not following > place:
            break
        place = int(following)
    if 1000 in blockettes:
        exponent = data[at + blockettes[1000] + 6]
        if not 7 <= exponent <= 20:
            return None
        return Layout(order, 2**exponent, blockettes)
    for length in LENGTHS:  # without blockette 1000 the next record tells
        end = at + length
        if LIKE_A_HEADER.match(data, end) or (whole and end == len(data)):
            return Layout(order, length, blockettes)
    return None


def plausible(head: Array) -> Array:
    """Which headers tell a time that there is (libmseed asks the same)."""
    return (
        np.isin(head["kind"], list(b"DRQM"))
        & ((head["reserved"] == 32) | (head["reserved"] == 0))
        & (head["year"] >= 1900)
        & (head["year"] <= 2100)
        & (head["day"] >= 1)
        & (head["day"] <= 366)
        & (head["hour"] <= 23)
        & (head["minute"] <= 59)
        & (head["second"] <= 60)
    )


def read_run(data: bytes, at: int, layout: Layout) -> Array:
    """The records (`RECORD`) from `at` on that are laid out like the first one, at least one."""
    count = (len(data) - at) // layout.length
    rows = np.frombuffer(data, np.uint8, count * layout.length, at).reshape(count, layout.length)
    need = max([48, *(place + 8 for place in layout.blockettes.values())])
    rows = rows[:, : min(need, layout.length)].copy()
    head = rows[:, :48].copy().view(FIXED.newbyteorder(layout.order))[:, 0]
    good = plausible(head) & (head["blockettes"] == head["blockettes"][0]) & (head["first"] == head["first"][0])
    for kind, place in layout.blockettes.items():
        good &= rows[:, place : place + 2].copy().view(f"{layout.order}u2")[:, 0] == kind
    if 1000 in layout.blockettes:
        good &= 1 << rows[:, layout.blockettes[1000] + 6].astype(int) == layout.length
    else:
        good[1:] = False
    good[0] = True
    count = count if good.all() else int(good.argmin())
    head, rows = head[:count], rows[:count]
    records = np.zeros(count, RECORD)
    records["offset"] = at + layout.length * np.arange(count)
    records["length"] = layout.length
    records["samples"] = head["samples"]
    for name in CODES:
        records[name] = codes(head[name])
    records["start"] = times(head)
    records["rate"] = rates(head["factor"].astype(float), head["multiplier"].astype(float))
    if 1001 in layout.blockettes:
        records["start"] += rows[:, layout.blockettes[1001] + 5].view("i1").astype(np.int64) * 1000
    if 100 in layout.blockettes:
        place = layout.blockettes[100] + 4
        exact = rows[:, place : place + 4].copy().view(f"{layout.order}f4")[:, 0].astype(float)
        records["rate"] = np.where(np.isfinite(exact) & (exact > 0), exact, records["rate"])
    return records


def id_of(record: Any) -> str:
    """NET.STA.LOC.CHA of one record."""
    return ".".join(record[CODES].tolist())


def durations(records: Array) -> Array:
    """(N,) int64: how long the samples of each record last (nanoseconds)."""
    return np.round(records["samples"] / records["rate"] * 1e9).astype(np.int64)


def codes(raw: Array) -> Array:
    """Bytes (N,) -> text without blanks."""
    width = raw.dtype.itemsize
    letters = np.ascontiguousarray(raw).view(np.uint8).reshape(len(raw), width)
    text = np.where((letters < 33) | (letters > 126), 32, letters).astype(np.uint32)
    return np.char.replace(text.view(f"U{width}")[:, 0], " ", "")


def times(head: Array) -> Array:
    """Headers (N,) -> nanoseconds since 1970, the clock's correction applied unless it was before."""
    wide = {name: head[name].astype(np.int64) for name in ("year", "day", "hour", "minute", "second", "fraction")}
    days = (wide["year"] - 1970).astype("M8[Y]").astype("M8[D]").astype(np.int64) + wide["day"] - 1
    seconds = ((days * 24 + wide["hour"]) * 60 + wide["minute"]) * 60 + wide["second"]
    correction = np.where(head["activity"] & 2, 0, head["correction"].astype(np.int64))
    return seconds * 10**9 + (wide["fraction"] + correction) * 10**5


def rates(factor: Array, multiplier: Array) -> Array:
    """SEED's two numbers (N,) -> Hz: a negative one divides."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(factor > 0, factor, -1 / factor) * np.where(multiplier > 0, multiplier, -1 / multiplier)
    return np.where((factor == 0) | (multiplier == 0), 0.0, rate)
