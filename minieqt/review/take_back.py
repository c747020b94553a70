"""Corrections made in other software, back into the journal: Snuffler's markers, QuakeML, tables of picks.

A pick belongs to the detection of its station that it lies in or next to, within REACH. There it sets the phase's
time, if that is another; a phase that the file lacks there is taken away. What the file says of a whole detection:

    QuakeML, tables   manual: accepted; automatic: nothing; an event of the type "not existing": rejected
    markers, by kind  0 (red): nothing; 1 (green): accepted; 2 (blue): rejected; 3 (orange): unsure

Picks outside all detections, on a day that was picked, are earthquakes that the network missed. They are added, P with
the next S; unsure where the file says so, otherwise accepted. A detection without any pick in the file stays as it is:
it may have been deleted, or never written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from obspy import UTCDateTime

from minieqt.errors import UserError
from minieqt.importing.catalogue import pair_up
from minieqt.records.channel import Instrument
from minieqt.records.selection import Station
from minieqt.records.span import SECOND
from minieqt.review.exports import MARKERS
from minieqt.review.journal import Journal
from minieqt.review.state import Out, Reviewed, key_of, new_event, reviewed
from minieqt.tables.catalogue import OF_NO_EVENT, REJECTED, Found, read_picks_of
from minieqt.tables.picks import Onset

REACH = 5 * SECOND  # from a detection's ends to picks that are its own
SAME = SECOND // 1000  # files round to microseconds, some to milliseconds
VERDICTS = {1: "accepted", 2: "rejected", 3: "unsure"}  # by Snuffler's kinds


@dataclass(frozen=True)
class Returned:
    """A pick of the file, and what the file says of its detection."""

    onset: Onset
    verdict: str | None

    @property
    def station(self) -> Station:
        return self.onset.network, self.onset.station


def read_returned(path: Path) -> tuple[list[Returned], Counter[str]]:
    """The picks of a file, and {reason: how many were left out}. UserError for what is none of the layouts."""
    with open(path, "rb") as file:
        first = file.readline(100)
    if first.startswith(b"# Snuffler Markers File"):
        return read_markers(path)
    found = read_picks_of(path)
    picks = [Returned(onset, "accepted" if onset.status == "manual" else None) for onset in found.onsets]
    picks += [Returned(onset, "rejected") for onset, reason in found.unused if reason == OF_NO_EVENT and onset.phase]
    skipped = Counter({reason: n for reason, n in found.skipped.items() if reason not in (OF_NO_EVENT, REJECTED)})
    return picks, skipped


def read_markers(path: Path) -> tuple[list[Returned], Counter[str]]:
    """Snuffler's phase markers; `exports.write_markers` tells a line's columns."""
    picks, skipped = [], Counter[str]()
    text = path.read_text(encoding="utf-8", errors="replace")
    if text.splitlines()[0].strip() != MARKERS:
        raise UserError(f"{path} is a marker file of another version than {MARKERS.rsplit(' ', 1)[1]}")
    for number, line in enumerate(text.splitlines()[1:], 2):
        if not line.strip():
            continue
        name, *words = line.split()
        if name != "phase:":
            skipped["marker that is no pick"] += 1
            continue
        try:
            kind, codes, phase = int(words[-8]), words[-7].split("."), words[-3]
            time = UTCDateTime(f"{words[0]}T{words[1]}").ns
            network, station, _, _ = codes
        except (IndexError, ValueError, TypeError):
            raise UserError(f"{path}, line {number}: not a phase marker of one channel: {line[:60]}") from None
        if phase not in ("P", "S"):
            skipped[f"phase {phase[:20]}"] += 1
            continue
        picks.append(Returned(Onset(network, station, phase, time), VERDICTS.get(kind)))
    return picks, skipped


def take_back(picks: Iterable[Returned], out: Out, journal: Journal, who: str) -> Counter[str]:
    """Write what is new into the journal; {what: how many}. The same file again writes nothing."""
    states = reviewed(out, journal)
    by_station: dict[Station, list[Reviewed]] = {}
    for state in states.values():
        by_station.setdefault((state.instrument.network, state.instrument.station), []).append(state)
    known = by_station.keys() | out.picked.keys()
    own: dict[str, list[Returned]] = {}
    done, beside = Counter[str](), []
    for pick in picks:
        if pick.station not in known:
            done["picks left out: nothing was picked at their station"] += 1
            continue
        spans = out.picked.get(pick.station, [])
        near = [state for state in by_station.get(pick.station, []) if outside(state, pick) <= REACH]
        if near:
            own.setdefault(min(near, key=lambda state: distance(state, pick)).key, []).append(pick)
        elif not any(first - REACH <= pick.onset.time <= last + REACH for first, last in spans):
            done["picks left out: nothing was picked at that time"] += 1
        elif pick.verdict != "rejected":
            beside.append(pick)
    for key, mine in own.items():
        correct(states[key], mine, journal, who, done)
    instruments = {station: each[0].instrument for station, each in by_station.items()}
    add_missed(beside, instruments, journal, who, done)
    left = sum(key not in own and state.verdict is None for key, state in states.items())
    if left:
        done["detections without a pick in the file: left as they are"] = left
    return done


def outside(state: Reviewed, pick: Returned) -> int:
    """How far a pick lies outside of a detection and its picks (nanoseconds)."""
    first, last = min(state.start, *state.times().values()), max(state.end, *state.times().values())
    return max(first - pick.onset.time, pick.onset.time - last, 0)


def distance(state: Reviewed, pick: Returned) -> tuple[int, int]:
    """To tell which of several detections a pick belongs to: the one around it, of these that with the nearest pick."""
    phases = [abs(time - pick.onset.time) for phase, time in state.times().items() if phase == pick.onset.phase]
    return outside(state, pick), min(phases, default=abs(state.start - pick.onset.time))


def correct(state: Reviewed, mine: list[Returned], journal: Journal, who: str, done: Counter[str]) -> None:
    """One detection, as the file has it."""
    verdicts = [pick.verdict for pick in mine if pick.verdict]
    verdict = verdicts[0] if verdicts else None
    if len(set(verdicts)) > 1:
        done[f"detections whose picks disagree on the verdict: taken as {verdict}"] += 1
    of_phase = Counter(phase for phase, _ in {(pick.onset.phase, pick.onset.time) for pick in mine})
    if more := sum(count - 1 for count in of_phase.values()):
        done["picks left out: their detection has a nearer one of that phase"] += more
    if verdict != "rejected":
        for phase in "PS":
            now = state.times().get(phase)
            theirs = nearest(now, [pick.onset.time for pick in mine if pick.onset.phase == phase])
            if now == theirs or (now is not None and theirs is not None and abs(now - theirs) <= SAME):
                continue
            journal.write(who, state.key, phase.lower(), now, theirs)
            done["picks taken away" if theirs is None else "picks added" if now is None else "picks moved"] += 1
    if verdict is not None and verdict != state.verdict:
        journal.write(who, state.key, "verdict", state.verdict, verdict)
        done[f"detections {verdict}"] += 1


def nearest(now: int | None, times: list[int]) -> int | None:
    """Of several picks of one phase: the nearest to what there was, or the first."""
    return min(times, key=lambda time: time if now is None else abs(time - now), default=None)


def add_missed(
    picks: list[Returned], instruments: Mapping[Station, Instrument], journal: Journal, who: str, done: Counter[str]
) -> None:
    """Earthquakes that the network had not found."""
    told = {pick.onset: (line, pick.verdict) for line, pick in enumerate(picks) if pick.verdict}
    catalogue = pair_up(Found([pick.onset for pick in picks]))
    for station, each in catalogue.pairs.items():
        instrument = instruments.get(station, Instrument(*station, "", ""))
        for pair in each:
            first, last = pair.first.time, pair.onsets()[-1].time
            key = key_of(instrument, first)
            journal.write(who, key, "event", None, new_event(instrument, first, last))
            for onset in pair.onsets():
                journal.write(who, key, onset.phase.lower(), None, onset.time)
            done["earthquakes added"] += 1
            _, verdict = min((told[onset] for onset in pair.onsets() if onset in told), default=(0, None))
            if verdict == "unsure":  # by the first of the file that says something, as in `correct`
                journal.write(who, key, "verdict", None, "unsure")
                done["detections unsure"] += 1
    for reason, count in catalogue.found.skipped.items():
        done[f"picks left out: {reason}"] += count


def describe(done: Mapping[str, Any]) -> str:
    """One line."""
    return ", ".join(f"{count} {what}" for what, count in done.items()) or "nothing new"
