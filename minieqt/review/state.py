"""What there is to review: the detections of an OUT of `pick`, with every correction applied.

A detection's verdict: "accepted" (an earthquake, its picks as they are now), "rejected" (none), "unsure", or None while
nobody has judged it. People may add earthquakes that the network missed. A quiet minute, one without any detection, is
judged by the same field: "accepted" says that it was reviewed, and that every earthquake in it has been added.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from obspy import UTCDateTime

from minieqt.errors import UserError
from minieqt.picking.day_file import DATED, DayFile, read_day_file
from minieqt.picking.events import Event
from minieqt.records.channel import Instrument
from minieqt.records.selection import Station
from minieqt.records.span import DAY, SECOND, Span
from minieqt.review.journal import Journal

QUIET = "minute/"  # what the key of a quiet minute begins with
SHORTEST = 5 * SECOND  # that an earthquake added by a person lasts
VERDICTS = ("accepted", "rejected", "unsure")


@dataclass(frozen=True)
class Out:
    """The detections of one run of `pick`, by their keys, in order of time."""

    path: Path
    events: dict[str, Event]
    records: list[Path]  # the files that they were found in
    picked: dict[Station, list[Span]]  # when the network looked at a station's records
    foreign: int  # station-days in OUT that another run made: not among the events


@dataclass(frozen=True)
class Reviewed:
    """A detection as it stands: times in nanoseconds; `found` is what the network had found, None if a person did."""

    key: str
    instrument: Instrument
    start: int
    end: int
    p: int | None
    s: int | None
    verdict: str | None
    found: Event | None

    def times(self) -> dict[str, int]:
        """{phase: when}, of those that there are."""
        return {phase: time for phase, time in (("P", self.p), ("S", self.s)) if time is not None}

    def moved(self, phase: str) -> bool:
        """Whether a person set this phase to another time than the network."""
        return self.times().get(phase) != found_times(self.found).get(phase)


def key_of(instrument: Instrument, start: int) -> str:
    """What the journal calls a detection."""
    return f"{instrument.name()}/{start}"


def found_times(event: Event | None) -> dict[str, int]:
    """{phase: when} as the network found them."""
    return {} if event is None else {pick.phase: pick.time.ns for pick in event.picks()}


def read_out(path: Path) -> Out:
    """An OUT of `pick`. UserError if it is none, or nothing was found in it."""
    results = sorted((path / "station_days").glob(DATED))
    if not results:
        raise UserError(f"{path} holds no picks of `python -m minieqt pick`: it has no station_days")
    made: dict[str, list[Path]] = {}
    files: set[Path] = set()
    for file in results:
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            made.setdefault(told["made"], []).append(file)
            files |= {Path(record[0]) for record in told["files"]}
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
    if not made:
        raise UserError(f"{path} holds no station-day that can be read")
    newest = max(made, key=lambda name: max(file.stat().st_mtime_ns for file in made[name]))
    found = [event for file in made[newest] for event in (read_day_file(file, {"made": newest}) or DayFile()).events]
    if not found:
        raise UserError(f"{path} holds no detection: there is nothing to review")
    found.sort(key=lambda event: (event.start.ns, event.instrument))
    events = {key_of(event.instrument, event.start.ns): event for event in found}
    picked: dict[Station, list[Span]] = {}
    for file in made[newest]:
        station, span = station_day(file)
        picked.setdefault(station, []).append(span)
    return Out(path, events, sorted(files), picked, len(results) - len(made[newest]))


def station_day(file: Path) -> tuple[Station, Span]:
    """Whose file of OUT/station_days this is, and which part of the day was picked."""
    name, date = unquote(file.stem).rsplit(".", 1)
    network, _, station = name.partition(".")
    start = UTCDateTime(date).ns
    first, last = json.loads(file.read_text(encoding="utf-8"))["selection"]
    end = start + DAY
    return (network, station), (max(start, first or start), min(end, end if last is None else last))


def reviewed(out: Out, journal: Journal) -> dict[str, Reviewed]:
    """All detections with the corrections applied, in order of time, with the earthquakes that a person added."""
    states = {key: current(key, event, journal) for key, event in out.events.items()}
    for key in journal.events():
        update(states, key, out, journal)
    return dict(sorted(states.items(), key=lambda item: (item[1].start, item[0])))


def update(states: dict[str, Reviewed], key: str, out: Out, journal: Journal) -> None:
    """Bring one detection up to date; a new one comes last."""
    event, added = out.events.get(key), journal.value(key, "event")
    state = current(key, event, journal) if event else added_by_hand(key, added, journal) if added else None
    if state is not None:
        states[key] = state
    else:
        states.pop(key, None)


def current(key: str, event: Event, journal: Journal) -> Reviewed:
    """One detection of the network as it stands now."""
    times = found_times(event)
    p, s = (journal.value(key, name, times.get(name.upper())) for name in "ps")
    return Reviewed(key, event.instrument, event.start.ns, event.end.ns, p, s, journal.value(key, "verdict"), event)


def added_by_hand(key: str, added: dict[str, Any], journal: Journal) -> Reviewed | None:
    """An earthquake that a person added, and thereby accepted; None if the journal's entry is malformed."""
    try:
        instrument = Instrument(*map(str, added["instrument"]))
        start, end = int(added["start"]), int(added["end"])
    except (KeyError, TypeError, ValueError):
        return None
    p, s = (journal.value(key, name) for name in "ps")
    return Reviewed(key, instrument, start, end, p, s, journal.value(key, "verdict", "accepted"), None)


def new_event(instrument: Instrument, first: int, last: int) -> dict[str, Any]:
    """What the journal says of an earthquake that a person adds, from its first pick to its last (nanoseconds)."""
    codes = [instrument.network, instrument.station, instrument.location, instrument.band]
    return {"instrument": codes, "start": first, "end": max(last, first + SHORTEST)}


def orphans(out: Out, journal: Journal) -> list[str]:
    """Keys that the journal corrects and OUT no longer has: it was picked anew since, with another result."""
    known = reviewed(out, journal)
    return [key for key in journal.events() if key not in known and not key.startswith(QUIET)]


def minute_key(instrument: Instrument, start: int) -> str:
    """What the journal calls a quiet minute."""
    return f"{QUIET}{key_of(instrument, start)}"
