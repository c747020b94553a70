"""An analyst's picks, from QuakeML or a CSV, as pairs of P and S: one earthquake at one station.

A CSV may have one pick a row, its columns named as in any of NAMES, or one pair a row (p_arrival_time and
s_arrival_time, as EQTransformer writes them). Times are ISO texts or seconds since 1970. Where no column names the
event, a P is paired with the next S of its station, if that comes within LONGEST.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from obspy import UTCDateTime, read_events

from minieqt.errors import UserError

LONGEST = 55.0  # s from P to S: what a window of 60 s can show
NAMES = {  # what a column may be called
    "network": "network network_code net trace_network",
    "station": "station station_code sta receiver_code station_id id",
    "phase": "phase phase_hint phase_type type",
    "time": "time timestamp pick_time phase_time arrival_time peak_time",
    "event": "source_id event_id event event_index event_start",
    "status": "evaluation_mode status",
}
SOURCE = (  # STEAD's columns that a CSV may hold and that are passed on as they are
    "source_origin_time source_latitude source_longitude source_depth_km source_magnitude source_magnitude_type"
).split()

Station = tuple[str, str]  # network, station


@dataclass(frozen=True)
class Onset:
    """One pick."""

    station: Station
    phase: str  # P or S
    time: int  # nanoseconds since 1970
    event: str  # empty if nothing says
    status: str = ""
    source: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)  # STEAD's columns of the event


@dataclass(frozen=True)
class Pair:
    """One earthquake at one station."""

    p: Onset
    s: Onset


@dataclass
class Catalogue:
    """What the analysts found: pairs to learn from, and when anything at all was picked, by station in time's order."""

    pairs: dict[Station, list[Pair]]
    onsets: dict[Station, list[int]]
    skipped: Counter[str]


def read_catalogue(path: Path) -> Catalogue:
    """QuakeML, or whatever ObsPy reads as events, or a CSV. UserError for what is neither, or has no pair."""
    skipped: Counter[str] = Counter()
    is_csv = path.suffix.lower() in (".csv", ".txt", ".tsv")
    onsets = list(_from_csv(path, skipped) if is_csv else _from_events(path, skipped))
    by_station: dict[Station, list[Onset]] = {}
    for onset in sorted(onsets, key=lambda onset: onset.time):
        by_station.setdefault(onset.station, []).append(onset)
    pairs = {station: list(_pairs(found, skipped)) for station, found in by_station.items()}
    if not any(pairs.values()):
        found = f" ({', '.join(f'{count} × {reason}' for reason, count in skipped.items())})" if skipped else ""
        raise UserError(f"{path} has {len(onsets)} picks and no P and S of one earthquake at one station{found}")
    times = {station: [onset.time for onset in found] for station, found in by_station.items()}
    return Catalogue(pairs, times, skipped)


def _pairs(onsets: list[Onset], skipped: Counter[str]) -> Iterator[Pair]:
    """The first P and the first S of every event, in order of P; onsets are those of one station, in order of time."""
    events: dict[str, dict[str, Onset]] = {}
    last = ""
    for number, onset in enumerate(onsets):
        event = onset.event
        if not event:  # a P begins an event, the next S ends it
            last = f"unnamed{number}" if onset.phase == "P" else last
            event = last or f"unnamed{number}"
            last = "" if onset.phase == "S" else last
        events.setdefault(event, {}).setdefault(onset.phase, onset)
    for found in events.values():
        if len(found) < 2:
            skipped[f"{next(iter(found))} without {'S' if 'P' in found else 'P'}"] += 1
        elif not 0 < found["S"].time - found["P"].time <= LONGEST * 1e9:
            skipped[f"S not within {LONGEST:g} s after P"] += 1
        else:
            yield Pair(found["P"], found["S"])


def _phase(hint: str) -> str:
    """P for P, Pg, Pn, p …; S alike; the empty text for others."""
    found = re.fullmatch(r"[IE]?([PS])([GNB1]?|MG)\d?", hint.strip().upper())
    return found[1] if found else ""


# -- CSV -----------------------------------------------------------------------------------------------------


def _from_csv(path: Path, skipped: Counter[str]) -> Iterator[Onset]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            columns = list(rows.fieldnames or ())
            names = {key: _first_of(choice, columns) for key, choice in NAMES.items()}
            pairs = {"p_arrival_time", "s_arrival_time"} <= set(columns)
            missing = [key for key in (("station",) if pairs else ("station", "phase", "time")) if not names[key]]
            if missing:
                choice = "; ".join(f"{key} (or {', '.join(NAMES[key].split()[1:])})" for key in missing)
                raise UserError(f"{path} has no column {choice}; has {', '.join(columns[:8])}")
            for number, row in enumerate(rows):
                source = {column: row[column] for column in SOURCE if row.get(column)}
                event = (row.get(names["event"]) or "") if names["event"] else ""
                if pairs:
                    named = f"{path.name}:{number + 2}"  # a row is an event, whatever it is called
                    found = [("P", row["p_arrival_time"], named), ("S", row["s_arrival_time"], named)]
                else:
                    found = [(_phase(row[names["phase"]] or ""), row[names["time"]], event)]
                for phase, text, event in found:
                    time = _time(text or "")
                    if not phase:
                        skipped["phase that is neither P nor S"] += 1
                    elif time is None:
                        skipped["row without a time"] += 1
                    else:
                        status = (row.get(names["status"]) or "") if names["status"] else ""
                        yield Onset(_station(row, names), phase, time, event, status, source)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise UserError(f"{path} is not a CSV file of picks ({error})") from error


def _first_of(choice: str, columns: list[str]) -> str:
    """The first of these names that is a column; the empty text if none is."""
    return next((name for name in choice.split() if name in columns), "")


def _station(row: dict[str, str], names: dict[str, str]) -> Station:
    """(network, station), also from "NET.STA.LOC.CH" in one column."""
    network, station = (row.get(names["network"]) or "") if names["network"] else "", row[names["station"]] or ""
    parts = station.strip().split(".")
    return (parts[0], parts[1]) if len(parts) > 1 else (network.strip(), parts[0])


def _time(text: str) -> int | None:
    """Nanoseconds since 1970 of an ISO text or of seconds since 1970; None if it is neither."""
    try:
        seconds = float(text) if re.fullmatch(r"\d{8,11}(\.\d*)?", text.strip()) else None
        if seconds is not None and seconds > 1e8 and not re.fullmatch(r"(19|20)\d{6}", text.strip()):
            return round(seconds * 1e6) * 1000  # to the microsecond, which is what such a number holds
        return UTCDateTime(text.strip()).ns if text.strip() else None
    except (TypeError, ValueError):
        return None


# -- QuakeML -------------------------------------------------------------------------------------------------


def _from_events(path: Path, skipped: Counter[str]) -> Iterator[Onset]:
    try:
        events: Iterable[Any] = read_events(str(path))
    except Exception as error:  # ObsPy's readers raise whatever they like
        raise UserError(f"{path}: neither a CSV nor events that ObsPy reads (QuakeML, NORDIC, …)") from error
    for event in events:
        origin = event.preferred_origin() or (event.origins[0] if event.origins else None)
        magnitude = event.preferred_magnitude() or (event.magnitudes[0] if event.magnitudes else None)
        hints = {arrival.pick_id: arrival.phase for arrival in (origin.arrivals if origin else ())}
        source = _source(origin, magnitude)
        for pick in event.picks:
            phase = _phase(pick.phase_hint or hints.get(pick.resource_id) or "")
            if not phase or pick.waveform_id is None:
                skipped["phase that is neither P nor S"] += 1
                continue
            station = (pick.waveform_id.network_code or "", pick.waveform_id.station_code or "")
            yield Onset(station, phase, pick.time.ns, str(event.resource_id), str(pick.evaluation_mode or ""), source)


def _source(origin: Any, magnitude: Any) -> dict[str, Any]:
    """STEAD's columns of an event."""
    found: dict[str, Any] = {}
    if origin is not None:
        found |= {"source_latitude": origin.latitude, "source_longitude": origin.longitude}
        found |= {"source_origin_time": str(origin.time).replace("T", " ").rstrip("Z")} if origin.time else {}
        found |= {"source_depth_km": origin.depth / 1000} if origin.depth is not None else {}
    if magnitude is not None:
        found |= {"source_magnitude": magnitude.mag, "source_magnitude_type": (magnitude.magnitude_type or "").lower()}
    return {column: value for column, value in found.items() if value not in (None, "")}
