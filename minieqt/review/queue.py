"""What to look at first: the detections that a correction teaches most, then a sample for an honest error rate.

A detection's score is the sum of what is doubtful about it, each between 0 and 1:

    spread        the largest Monte-Carlo spread of its probabilities, over 0.5, the largest that there can be
    threshold     how near its lowest probability is to the usual threshold, or the lowest in OUT: 1 there, 0 at 1
    phases        1 if P or S is missing
    disagreement  the share of its picks that another OUT does not have within half a second, or has beside them

What only the other OUT has found is shown too, with a score of 1. All these are for learning: chosen for being
doubtful, they say nothing about how often the network errs. The sample does: detections drawn at random, and quiet
minutes, which are recorded but have no detection. The same seed draws the same sample.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from minieqt.inference.peaks import DETECTION_THRESHOLD, P_THRESHOLD, S_THRESHOLD
from minieqt.picking.events import Event
from minieqt.records.channel import Instrument
from minieqt.records.span import SECOND, Span, common, union
from minieqt.review.state import QUIET, Out, minute_key

TOLERANCE = 0.5  # s between two networks' picks of one arrival
LARGEST_SPREAD = 0.5  # of numbers between 0 and 1
MINUTE = 60 * SECOND
BEFORE = 20 * SECOND  # what is seen before a detection
MARGIN = 2 * SECOND  # of a detection, beyond its ends, that no quiet minute holds: its P may be there


@dataclass(frozen=True)
class Item:
    """Something to look at: a detection, or a stretch of a record in which there may be one."""

    key: str
    instrument: Instrument
    start: int
    end: int
    reasons: tuple[str, ...]
    score: float = 0.0
    sample: bool = False  # drawn at random

    @property
    def quiet(self) -> bool:
        """Whether the network found nothing here."""
        return self.key.startswith(QUIET)

    def view(self) -> tuple[int, int]:
        """The minute that is shown at first, or more if it is longer (nanoseconds)."""
        if self.quiet:
            return self.start, max(self.end, self.start + MINUTE)
        return self.start - BEFORE, max(self.start - BEFORE + MINUTE, self.end + BEFORE)


@dataclass(frozen=True)
class Sample:
    """Detections and minutes drawn at random, in this order, and how many there are to draw from."""

    detections: list[str]
    minutes: list[Item]
    all_detections: int
    all_minutes: int


def make_queue(
    out: Out,
    sample: Sample,
    first: int,
    other: Iterable[Event] | None = None,
) -> list[Item]:
    """The `first` most doubtful, then the sample; what is in both stands once, and is part of the sample."""
    items = doubtful(out, other)[:first]
    drawn = set(sample.detections)
    items = [replace(item, sample=item.key in drawn) for item in items]
    there = {item.key for item in items}
    for key in sample.detections:
        if key not in there:
            event = out.events[key]
            items.append(Item(key, event.instrument, event.start.ns, event.end.ns, ("drawn at random",), sample=True))
    return items + sample.minutes


def doubtful(out: Out, other: Iterable[Event] | None = None) -> list[Item]:
    """Every detection, and what only the other network found, the most doubtful first."""
    lowest = lowest_probabilities(out.events.values())
    theirs = None if other is None else Arrivals(other)
    ours = Arrivals(out.events.values())
    items = []
    for key, event in out.events.items():
        score, reasons = doubts(event, lowest, theirs)
        items.append(Item(key, event.instrument, event.start.ns, event.end.ns, reasons, score))
    for event in theirs.events if theirs else ():
        if event.picks() and not any(ours.has(event.instrument, pick.phase, pick.time.ns) for pick in event.picks()):
            key = minute_key(event.instrument, event.start.ns)
            reasons = ("found by the other network only",)
            items.append(Item(key, event.instrument, event.start.ns, event.end.ns, reasons, 1.0))
    return sorted(items, key=lambda item: (-round(item.score, 9), item.start, item.key))


def doubts(event: Event, lowest: Mapping[str, float], theirs: Arrivals | None) -> tuple[float, tuple[str, ...]]:
    """The score of one detection, and why."""
    picks = event.picks()
    reasons = []
    spread = max([event.uncertainty or 0.0, *(pick.uncertainty or 0.0 for pick in picks)]) / LARGEST_SPREAD
    if spread > 0.2:
        reasons.append(f"spread {spread * LARGEST_SPREAD:.2f}")
    near = max(
        (1 - probability) / (1 - lowest[name])
        for name, probability in (("detection", event.probability), *((pick.phase, pick.probability) for pick in picks))
    )
    if near > 0.8:
        reasons.append("near the threshold")
    missing = [phase for phase in "PS" if phase not in {pick.phase for pick in picks}]
    if missing:
        reasons.append(f"no {' and no '.join(missing)}")
    differs = 0.0
    if theirs is not None:
        alone = sum(not theirs.has(event.instrument, pick.phase, pick.time.ns) for pick in picks)
        more = sum(theirs.within(event.instrument, phase, event.start.ns, event.end.ns) for phase in missing)
        differs = (alone + more) / max(len(picks) + more, 1)
        if differs:
            reasons.append(f"the other network differs in {alone + more} of {len(picks) + more} picks")
    return min(spread, 1) + near + bool(missing) + differs, tuple(reasons)


def lowest_probabilities(events: Iterable[Event]) -> dict[str, float]:
    """Of detections, P and S: the usual thresholds, or what OUT holds below them (it does not tell its own)."""
    lowest = {"detection": DETECTION_THRESHOLD, "P": P_THRESHOLD, "S": S_THRESHOLD}
    for event in events:
        lowest["detection"] = min(lowest["detection"], event.probability)
        for pick in event.picks():
            lowest[pick.phase] = min(lowest[pick.phase], pick.probability)
    return lowest


class Arrivals:
    """The picks of some events, by station and phase, in order of time."""

    def __init__(self, events: Iterable[Event]):
        self.events = list(events)
        self.times: dict[tuple[str, str, str], list[int]] = {}
        for event in self.events:
            for pick in event.picks():
                place = (event.instrument.network, event.instrument.station, pick.phase)
                self.times.setdefault(place, []).append(pick.time.ns)
        for times in self.times.values():
            times.sort()

    def within(self, at: Instrument, phase: str, start: int, end: int) -> bool:
        """Whether a pick of that phase lies between two times, both included."""
        times = self.times.get((at.network, at.station, phase), [])
        place = bisect_left(times, start)
        return place < len(times) and times[place] <= end

    def has(self, at: Instrument, phase: str, time: int) -> bool:
        """Whether a pick of that phase lies within the tolerance."""
        reach = round(TOLERANCE * SECOND)
        return self.within(at, phase, time - reach, time + reach)


def draw_sample(
    out: Out, recorded: Mapping[tuple[str, str], list[Span]], detections: int, minutes: int, seed: int
) -> Sample:
    """Draw without replacement; recorded: {(network, station): when there are data} of the stations of OUT.

    In the order of the draw: a larger sample begins with the smaller one.
    """
    keys = sorted(out.events)
    chosen = np.random.default_rng([seed, 0]).permutation(len(keys))[:detections]
    quiet = quiet_minutes(out, recorded)
    drawn = np.random.default_rng([seed, 1]).permutation(len(quiet))[:minutes]
    items = []
    why = ("drawn at random: a minute without detection",)
    for instrument, start in (quiet[i] for i in drawn.tolist()):
        key = minute_key(instrument, start)
        items.append(Item(key, instrument, start, start + MINUTE, why, sample=True))
    return Sample([keys[i] for i in chosen.tolist()], items, len(keys), len(quiet))


def quiet_minutes(out: Out, recorded: Mapping[tuple[str, str], list[Span]]) -> list[tuple[Instrument, int]]:
    """The whole minutes, recorded and picked, in which no detection of the station lies; and an instrument there."""
    busy: dict[tuple[str, str], list[Span]] = {}
    instruments: dict[tuple[str, str], Instrument] = {}
    for event in out.events.values():
        station = event.instrument.network, event.instrument.station
        busy.setdefault(station, []).append((event.start.ns - MARGIN, event.end.ns + MARGIN))
        instruments.setdefault(station, event.instrument)
    found = []
    for station in sorted(recorded):
        spans = busy.get(station, [])
        taken = {minute for start, end in spans for minute in range(start // MINUTE * MINUTE, end + 1, MINUTE)}
        instrument = instruments.get(station, Instrument(*station, "", ""))
        for start, end in common(union(recorded[station]), union(out.picked.get(station, []))):
            minutes = range(-(-start // MINUTE) * MINUTE, end - MINUTE + 1, MINUTE)
            found += [(instrument, minute) for minute in minutes if minute not in taken]
    return found
