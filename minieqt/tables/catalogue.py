"""Picks and origins of a file, be it a table or a catalogue that ObsPy reads; which of them are to be used.

An agency keeps the automatic pick beside the analyst's, rejected picks, one pick of two authors, events that turned
out to be none. Of several picks of a phase of one event at a station the analyst's is used, then the one that the
preferred origin was located with, then the earliest. What is not used is counted, and kept: something was seen there.
"""

from __future__ import annotations

import glob
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minieqt.errors import UserError
from minieqt.tables.picks import Onset, is_table, phase_of, read_table, status_of

SAME = 0.05  # s between two rows that are one pick
SAME_ARRIVAL = 1.0  # s between an analyst's and an automatic pick of one arrival, where no event is named
RANK = {"manual": 0, "": 1, "automatic": 2}
NOT_EXISTING = "not existing"  # QuakeML's type of an event that turned out to be none
OF_NO_EVENT, REJECTED = f"pick of an event of the type {NOT_EXISTING}", "rejected pick"


@dataclass(frozen=True)
class Origin:
    """An event with a place and a time: nanoseconds since 1970, degrees; magnitude NaN if unknown."""

    time: int
    latitude: float
    longitude: float
    magnitude: float


@dataclass
class Found:
    """The picks and origins of a file."""

    onsets: list[Onset]  # to be used
    unused: list[tuple[Onset, str]] = field(default_factory=list)  # and why: rejected, doubled, of no event, …
    origins: dict[str, Origin] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)  # reason -> how many

    def leave_out(self, onset: Onset, reason: str) -> None:
        """Do not use a pick, but remember that something was seen there."""
        self.unused.append((onset, reason))
        self.skipped[reason] += 1


def read_picks_of(path: Path) -> Found:
    """Of a table, QuakeML, or whatever else ObsPy reads as events. UserError if it is none of them."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    found = Found([])
    if is_table(path):
        candidates = [(onset, False) for onset in read_table(path, found.skipped)]
    else:
        candidates = _read_events(path, found)
    best: dict[tuple[str, ...], tuple[Onset, bool]] = {}
    for onset, located in sorted(candidates, key=lambda candidate: candidate[0].time):
        if onset.status == "rejected":
            found.leave_out(onset, REJECTED)
            continue
        key: tuple[str, ...] = (onset.network, onset.station, onset.phase, onset.event)
        if not onset.event:
            before = best.get(key)
            if before is not None and not _same(before[0], onset):
                found.onsets.append(before[0])
                del best[key]
        if key not in best:
            best[key] = onset, located
            continue
        better, worse = sorted((best[key], (onset, located)), key=_preference)
        best[key] = better
        found.leave_out(worse[0], "another pick of the same arrival")
    found.onsets += [onset for onset, _ in best.values()]
    found.onsets.sort(key=lambda onset: (onset.time, onset.network, onset.station, onset.phase))
    return found


def _same(one: Onset, other: Onset) -> bool:
    """Whether two picks of a phase at a station, of no named event, are of one arrival."""
    apart = abs(one.time - other.time) / 1e9
    return apart <= (SAME_ARRIVAL if RANK[one.status] != RANK[other.status] else SAME)


def _preference(candidate: tuple[Onset, bool]) -> tuple[int, bool, int]:
    onset, located = candidate
    return RANK[onset.status], not located, onset.time


def _read_events(path: Path, found: Found) -> list[tuple[Onset, bool]]:
    """(onset, whether the preferred origin was located with it); fills origins, skipped and unused."""
    from obspy import read_events

    try:
        catalogue: Any = read_events(glob.escape(str(path)))
    except Exception as error:  # ObsPy's readers raise whatever they like
        raise UserError(f"{path}: neither a table of picks nor a catalogue that ObsPy reads") from error
    candidates = []
    for number, event in enumerate(catalogue):
        name = str(event.resource_id or number)
        none = event.event_type == NOT_EXISTING
        origin = event.preferred_origin() or (event.origins[0] if event.origins else None)
        magnitude = event.preferred_magnitude() or (event.magnitudes[0] if event.magnitudes else None)
        place = _origin(origin, magnitude)
        if place is not None and not none:
            found.origins[name] = place
        hints = {arrival.pick_id: arrival.phase for each in event.origins for arrival in each.arrivals}
        located = {arrival.pick_id for arrival in (origin.arrivals if origin else ()) if arrival.time_weight != 0}
        source = _source(origin, magnitude)
        for pick in event.picks:
            hint = pick.phase_hint or hints.get(pick.resource_id) or ""
            at = pick.waveform_id
            if at is None or not at.station_code or pick.time is None:
                found.skipped["pick without a station or a time"] += 1
                continue
            status = status_of(pick.evaluation_mode, pick.evaluation_status)
            phase = phase_of(hint)
            onset = Onset(at.network_code or "", at.station_code, phase, pick.time.ns, name, status, source)
            if none:
                found.leave_out(onset, OF_NO_EVENT)
            elif not phase:
                found.leave_out(onset, f"phase {hint[:20] or 'without a name'}")
            else:
                candidates.append((onset, pick.resource_id in located))
    if not candidates and not found.unused and found.skipped["pick without a station or a time"]:
        raise UserError(f"{path} has no station codes: no pick names a station")
    return candidates


def _origin(origin: Any, magnitude: Any) -> Origin | None:
    if origin is None or origin.time is None or origin.latitude is None or origin.longitude is None:
        return None
    size = math.nan if magnitude is None or magnitude.mag is None else float(magnitude.mag)
    return Origin(origin.time.ns, origin.latitude, origin.longitude, size)


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
