"""An analyst's picks as earthquakes at one station: P and S, or one of them alone.

Where no column names the event, a P is paired with the next S of its station, if that comes within LONGEST.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from minieqt.errors import UserError, counted
from minieqt.tables.catalogue import RANK, SAME_ARRIVAL, Found, read_picks_of
from minieqt.tables.networks import UNSAID, Networks
from minieqt.tables.picks import Onset, Station

LONGEST = 55.0  # s from P to S: what a window of 60 s can show


@dataclass(frozen=True)
class Pair:
    """One earthquake at one station; a phase that nobody picked is None."""

    p: Onset | None
    s: Onset | None

    def onsets(self) -> list[Onset]:
        """The picks that there are, in order of time."""
        return [onset for onset in (self.p, self.s) if onset is not None]

    @property
    def first(self) -> Onset:
        """The first pick."""
        return self.onsets()[0]


@dataclass
class Catalogue:
    """What the analysts found: earthquakes to learn from, in order of their first pick, and when anything was picked.

    onsets: the times of the earthquakes' picks; seen: of these and all other picks (rejected, doubled, other phases).
    Both are in order, by station.
    """

    pairs: dict[Station, list[Pair]]
    onsets: dict[Station, list[int]]
    seen: dict[Station, list[int]]
    found: Found  # the file's picks, and which of them are left out, and why


def read_catalogue(path: Path) -> Found:
    """QuakeML, or whatever ObsPy reads as events, or a table. UserError for what is neither, or has no pick to use."""
    found = read_picks_of(path)
    if not found.onsets:
        why = counted(found.skipped)
        raise UserError(f"{path} has no pick of P or S that can be used{f' ({why})' if why else ''}")
    return found


def match_networks(found: Found, stations: Iterable[Station], what: str = "records") -> Found:
    """The picks under the networks that the records have; those of stations that the records lack are counted.

    A pick without a network belongs to the station of its code, if only one network has such a station (`Networks`).
    UserError if nothing is left: it names what the catalogue has, and what the records; `what` says what the stations
    were read from, if not records.
    """
    there = set(stations)
    networks = Networks(there)
    unused = [(networks.named(onset), reason) for onset, reason in found.unused]
    matched = Found([], unused, found.origins, Counter(found.skipped))
    for onset in map(networks.named, found.onsets):
        if (onset.network, onset.station) in there:
            matched.onsets.append(onset)
        elif networks.unsaid(onset):
            matched.leave_out(onset, UNSAID)
        else:
            matched.leave_out(onset, f"pick at a station without {what}")
    if not matched.onsets:
        raise UserError(
            f"the catalogue has {_names((onset.network, onset.station) for onset in found.onsets)}, "
            f"the {what} {_names(there)}: no pick belongs to {'a record' if what == 'records' else 'one of them'}"
        )
    return matched


def _names(stations: Iterable[Station]) -> str:
    names = sorted({".".join(station).lstrip(".") for station in stations})
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def pair_up(found: Found) -> Catalogue:
    """P and S of one earthquake at one station together."""
    by_station: dict[Station, list[Onset]] = {}
    seen: dict[Station, list[int]] = {}
    for onset in sorted(found.onsets, key=lambda onset: onset.time):
        by_station.setdefault((onset.network, onset.station), []).append(onset)
    for onset in [*found.onsets, *(onset for onset, _ in found.unused)]:
        seen.setdefault((onset.network, onset.station), []).append(onset.time)
    for each in seen.values():
        each.sort()
    pairs = {station: _distinct(_pairs(onsets, found), found) for station, onsets in by_station.items()}
    times = {
        station: sorted(onset.time for pair in earthquakes for onset in pair.onsets())
        for station, earthquakes in pairs.items()
    }
    return Catalogue(pairs, times, seen, found)


def _pairs(onsets: list[Onset], found: Found) -> Iterator[Pair]:
    """The P and the S of every event; onsets are those of one station, in order of time."""
    events: dict[str, dict[str, Onset]] = {}
    last = ""
    for number, onset in enumerate(onsets):
        event = onset.event
        if not event:  # a P begins an event, the next S ends it
            near = last and onset.time - events[last]["P"].time <= LONGEST * 1e9
            last = f"unnamed{number}" if onset.phase == "P" else last if near else ""
            event = last or f"unnamed{number}"
            last = "" if onset.phase == "S" else last
        events.setdefault(event, {})[onset.phase] = onset
    for phases in events.values():
        pair = Pair(phases.get("P"), phases.get("S"))
        if pair.p is not None and pair.s is not None and not 0 < pair.s.time - pair.p.time <= LONGEST * 1e9:
            for onset in pair.onsets():
                found.leave_out(onset, f"S not within {LONGEST:g} s after P")
        else:
            yield pair


def _distinct(pairs: Iterable[Pair], found: Found) -> list[Pair]:
    """In order of time, without the earthquakes that two events describe: the analyst's is kept, or the fuller one."""
    kept: list[Pair] = []
    for pair in sorted(pairs, key=lambda pair: pair.first.time):
        before = kept[-1] if kept else None
        if before is not None and _same(before, pair):
            kept[-1], other = sorted((before, pair), key=lambda pair: (-len(pair.onsets()), RANK[pair.first.status]))
            for onset in other.onsets():
                found.leave_out(onset, "pick of another event with the same arrival")
        else:
            kept.append(pair)
    return kept


def _same(one: Pair, other: Pair) -> bool:
    phases = [(a, b) for a, b in ((one.p, other.p), (one.s, other.s)) if a is not None and b is not None]
    return any(abs(a.time - b.time) <= SAME_ARRIVAL * 1e9 for a, b in phases)
