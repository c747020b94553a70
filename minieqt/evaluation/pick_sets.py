"""Sets of picks, from whoever made them: tables of many layouts, and catalogues that ObsPy reads.

    CSV       one row a pick (station, phase, time; minieqt's picks.csv and association.csv, analysts' tables), or one
              row an event with p_arrival_time and s_arrival_time (EQTransformer's X_prediction_results.csv)
    others    QuakeML and whatever else obspy.read_events reads

Pg, Pn, p and their like count as P, likewise S; other phases are left out and counted.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from obspy import UTCDateTime

from minieqt.errors import UserError

Array = Any

NETWORK = ("network", "net", "network_code")
STATION = ("station", "sta", "station_code", "receiver_code", "id")
PHASE = ("phase", "phase_hint", "type", "phase_type")
TIME = ("time", "timestamp", "arrival_time", "pick_time", "peak_time")
EVENT = ("source_id", "event_id", "event_index", "event_start", "event_start_time")
PHASES = {"P": ("P", "Pg", "Pn", "Pb", "p", "P1"), "S": ("S", "Sg", "Sn", "Sb", "s", "S1")}
BY_NAME = {name: phase for phase, names in PHASES.items() for name in names}


@dataclass(frozen=True)
class Pick:
    """One arrival: time in nanoseconds since 1970; event names what it belongs to, "" if nothing is known."""

    network: str
    station: str
    phase: str
    time: int
    event: str = ""


@dataclass(frozen=True)
class Origin:
    """An event with a place and a time: nanoseconds since 1970, degrees; magnitude NaN if unknown."""

    time: int
    latitude: float
    longitude: float
    magnitude: float


@dataclass
class PickSet:
    """Picks in order of time, the origins of those events that have one, and {reason: what was left out}."""

    name: str
    picks: list[Pick]
    origins: dict[str, Origin] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.picks.sort(key=lambda pick: (pick.time, pick.network, pick.station, pick.phase))

    def __len__(self) -> int:
        return len(self.picks)

    def seconds(self, since: int = 0) -> Array:
        """Times in seconds after `since` (nanoseconds)."""
        return np.array([(pick.time - since) / 1e9 for pick in self.picks])

    def phases(self) -> Array:
        return np.array([pick.phase for pick in self.picks], "U1")

    def stations(self, networks: bool = True) -> Array:
        """NET.STA of each pick; the station alone without `networks`."""
        return np.array([f"{pick.network}.{pick.station}" if networks else pick.station for pick in self.picks], "U32")

    def has_networks(self) -> bool:
        """Whether every pick has a network's code."""
        return all(pick.network for pick in self.picks)

    def events(self) -> dict[str, list[int]]:
        """{event: its picks}, of those picks that belong to one."""
        found: dict[str, list[int]] = {}
        for i, pick in enumerate(self.picks):
            if pick.event:
                found.setdefault(pick.event, []).append(i)
        return found

    def between(self, start: UTCDateTime | None, end: UTCDateTime | None) -> PickSet:
        """The picks of a stretch of time, both ends included; what lies outside is counted."""
        first, last = (time.ns if time is not None else None for time in (start, end))
        inside = [p for p in self.picks if (first is None or p.time >= first) and (last is None or p.time <= last)]
        skipped = self.skipped + Counter({"outside the time asked for": len(self) - len(inside)})
        held = {pick.event for pick in inside}
        return PickSet(self.name, inside, {e: o for e, o in self.origins.items() if e in held}, skipped)


def read_picks(path: Path) -> PickSet:
    """A file of picks. UserError if it is none, or has no station codes."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    return read_table(path) if path.suffix.lower() == ".csv" else read_catalogue(path)


# -- tables ------------------------------------------------------------------------------------------------------


def read_table(path: Path) -> PickSet:
    """Picks from a CSV file, its columns recognised by their names."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = {name.strip().lower(): name for name in reader.fieldnames or ()}
            station = first_of(columns, STATION)
            if station is None:
                raise UserError(f"{path} has no station codes: no column station among {', '.join(columns)}")
            skipped: Counter[str] = Counter()
            picks = list(rows_to_picks(reader, columns, station, path, skipped))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV file ({error})") from error
    return PickSet(path.name, picks, skipped=skipped)


def rows_to_picks(
    rows: Iterable[Mapping[str, Any]], columns: dict[str, str], station: str, path: Path, skipped: Counter[str]
) -> Iterator[Pick]:
    """The picks of every row, one (phase, time) or two (p_arrival_time, s_arrival_time)."""
    network, phase, time, event = (first_of(columns, names) for names in (NETWORK, PHASE, TIME, EVENT))
    both = {"P": "p_arrival_time", "S": "s_arrival_time"}
    wide = {name: columns[column] for name, column in both.items() if column in columns}
    if not wide and (phase is None or time is None):
        raise UserError(
            f"{path} is no table of picks: it needs columns phase and time, or p_arrival_time and s_arrival_time"
        )
    for number, row in enumerate(rows, 2):
        codes = [part for part in (row[network] if network else "", *(row[station] or "").split(".")) if part]
        code = codes[1] if len(codes) > 1 else (codes[0] if codes else "")
        if not code:
            raise UserError(f"{path}, line {number}: no station code")
        belongs = (row[event] or "") if event else ""
        if belongs and event and event.startswith("event_start"):
            belongs = f"{code} {belongs}"  # a detection at this station
        found = {name: row[column] for name, column in wide.items()}
        if phase and time and not wide:
            found = {row[phase]: row[time]}
        for name, text in found.items():
            known = BY_NAME.get((name or "").strip())
            if not (text or "").strip():
                continue
            if known is None:
                skipped[f"phase {name}"] += 1
            else:
                yield Pick(codes[0] if len(codes) > 1 else "", code, known, read_time(text, path, number), belongs)


def first_of(columns: dict[str, str], names: Iterable[str]) -> str | None:
    """The first of these columns that is there, by its own spelling."""
    return next((columns[name] for name in names if name in columns), None)


def read_time(text: str, path: Path, line: int) -> int:
    """ISO time or seconds since 1970 -> nanoseconds."""
    try:
        return round(float(text) * 1e6) * 1000
    except ValueError:
        pass
    try:
        return UTCDateTime(text).ns
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}, line {line}: {text!r} is no time") from error


# -- catalogues --------------------------------------------------------------------------------------------------


def read_catalogue(path: Path) -> PickSet:
    """Picks and origins of a catalogue that ObsPy reads."""
    from obspy import read_events

    try:
        catalogue = read_events(str(path))
    except Exception as error:  # ObsPy's readers raise whatever they like
        raise UserError(f"{path} is no catalogue that ObsPy reads") from error
    picks: list[Pick] = []
    origins: dict[str, Origin] = {}
    skipped: Counter[str] = Counter()
    for number, event in enumerate(catalogue):
        name = str(event.resource_id or number)
        origin = event.preferred_origin() or (event.origins[0] if event.origins else None)
        if origin is not None and origin.time is not None and origin.latitude is not None:
            size = event.preferred_magnitude() or (event.magnitudes[0] if event.magnitudes else None)
            magnitude = np.nan if size is None else float(size.mag)
            origins[name] = Origin(origin.time.ns, origin.latitude, origin.longitude, magnitude)
        arrivals = {arrival.pick_id: arrival.phase for each in event.origins for arrival in each.arrivals}
        for pick in event.picks:
            phase = pick.phase_hint or arrivals.get(pick.resource_id) or ""
            known = BY_NAME.get(phase)
            code = pick.waveform_id.station_code if pick.waveform_id else None
            if not code:
                raise UserError(f"{path} has no station codes: the pick at {pick.time} names no station")
            if known is None:
                skipped[f"phase {phase or 'without a name'}"] += 1
            else:
                picks.append(Pick(pick.waveform_id.network_code or "", code, known, pick.time.ns, name))
    return PickSet(path.name, picks, origins, skipped)
