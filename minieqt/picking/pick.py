"""annotate and pick: ObsPy Streams in; probabilities, or events and picks, out.

A record is worked through day by day (UTC), with ten minutes of both neighbours for context, so that a month needs
no more memory than a day. The days are the calendar's: what comes out does not depend on how the record was cut into
files. An event belongs to the day in which its detection begins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
from obspy import Stream, Trace, UTCDateTime

from minieqt.errors import UserError
from minieqt.memory import give_back
from minieqt.model import EQTransformer
from minieqt.picking.events import Event, find_events
from minieqt.picking.results import Events, Picks
from minieqt.picking.waveforms import Segment, choose_instruments, group, segments
from minieqt.picking.windows import Probabilities, Settings, probabilities
from minieqt.records.channel import Instrument
from minieqt.records.span import SECOND
from minieqt.weights.load import load_weights

Array = Any

DAY = 86400 * SECOND
CONTEXT = 600 * SECOND  # of the neighbouring days
NAMES = ("DET", "P", "S")  # channels of the probabilities' traces


@dataclass
class StationDay:
    """What was found in one day at one instrument, and from what."""

    instrument: Instrument
    day: int  # its first nanosecond
    segments: list[Segment]
    probabilities: list[Probabilities]
    events: list[Event]

    def traces(self) -> Iterator[Trace]:
        """The day's own probabilities, as traces named DET, P, S."""
        for segment, found in zip(self.segments, self.probabilities, strict=True):
            T = segment.x.shape[1]
            edges = ((edge - segment.start) / SECOND * segment.rate for edge in (self.day, self.day + DAY))
            first, last = (int(min(max(np.ceil(round(edge, 6)), 0), T)) for edge in edges)
            for name, probability in zip(NAMES, found.mean, strict=True):
                header = {
                    "instrument": self.instrument.band,
                    "network": self.instrument.network,
                    "station": self.instrument.station,
                    "location": self.instrument.location,
                    "channel": name,
                    "sampling_rate": segment.rate,
                    "starttime": UTCDateTime(ns=segment.time(first)),
                }
                if last > first:
                    yield Trace(probability[first:last], header)


@cache
def own_model() -> EQTransformer:
    """The network with the package's own weights, read once. UserError as `load_weights`."""
    return load_weights()


def pick(
    stream: Stream,
    model: EQTransformer | None = None,
    progress: Callable[[int], object] = lambda windows: None,
    **settings: Any,
) -> tuple[Events, Picks]:
    """The events of an ObsPy Stream and their picks, in order of time.

    model: the package's own weights where none is given; settings: see `Settings`. The stream stays as it is.
    UserError if nothing in it can be used.
    """
    days = station_days(stream, model or own_model(), Settings(**settings), progress)
    events = Events(sorted(chain.from_iterable(map(attrgetter("events"), days)), key=attrgetter("start")))
    return events, events.picks()


def annotate(
    stream: Stream,
    model: EQTransformer | None = None,
    progress: Callable[[int], object] = lambda windows: None,
    **settings: Any,
) -> Stream:
    """Probabilities of an ObsPy Stream, as a Stream of traces DET, P, S at 100 Hz, one of each for each segment.

    model: the package's own weights where none is given. Where all instruments of a station were asked for,
    `trace.stats.instrument` tells them apart.
    """
    days = station_days(stream, model or own_model(), Settings(**settings), progress)
    return Stream(list(rejoin(chain.from_iterable(map(StationDay.traces, days)))))


def rejoin(traces: Iterable[Trace]) -> Iterator[Trace]:
    """Put together what only midnight had cut, whatever lies between two days of one channel."""
    held: dict[tuple[str, str], list[Trace]] = {}
    for trace in traces:
        parts = held.setdefault((trace.id, trace.stats.instrument), [])
        delta = trace.stats.delta
        if parts and abs(trace.stats.starttime - parts[-1].stats.endtime - delta) > delta / 2:
            yield whole(parts)
            parts.clear()
        parts.append(trace)
    for parts in held.values():
        yield whole(parts)


def whole(parts: list[Trace]) -> Trace:
    """One trace of traces that follow each other."""
    joined = parts[0].copy()
    joined.data = np.concatenate([part.data for part in parts])
    return joined


def station_days(
    stream: Stream, model: EQTransformer, settings: Settings, progress: Callable[[int], object]
) -> Iterator[StationDay]:
    """Every station of a stream, day by day. UserError if nothing can be used."""
    skipped: Counter[str] = Counter()
    stations: dict[tuple[str, str], list[Trace]] = {}
    for components in group(stream, skipped).values():
        for trace in (trace for held in components.values() for trace in held):
            stations.setdefault((trace.stats.network, trace.stats.station), []).append(trace)
    if not stations:
        raise UserError(f"nothing to pick: {describe_skipped(skipped) or 'the stream is empty'}")
    for _, traces in sorted(stations.items()):
        begin = min(trace.stats.starttime.ns for trace in traces)
        end = max(trace.stats.endtime.ns for trace in traces)
        for day in range(begin // DAY * DAY, end + 1, DAY):
            yield from station_day(traces, day, model, settings, progress)


def station_day(
    traces: Iterable[Trace],
    day: int,
    model: EQTransformer,
    settings: Settings,
    progress: Callable[[int], object] = lambda windows: None,
    skipped: Counter[str] | None = None,
) -> Iterator[StationDay]:
    """One day, given by its first nanosecond, of one station's traces (which may go beyond it).

    Its best instrument, or all of them, as the settings say; nothing without data.
    """
    first, last = UTCDateTime(ns=day - CONTEXT), UTCDateTime(ns=day + DAY + CONTEXT)
    near = [trace.slice(first, last) for trace in traces]
    inside = [trace for trace in near if trace.stats.endtime.ns >= day and trace.stats.starttime.ns < day + DAY]
    groups = group(near)
    chosen = [(at, groups[at]) for at in choose_instruments(group(inside, skipped), settings.instruments)]
    del near, inside, groups  # the records make room for their probabilities
    model.eval()
    while chosen:
        instrument, components = chosen.pop(0)
        channels = {component: held[0].stats.channel for component, held in components.items()}
        give_back()  # what reading left behind
        found = segments(components, settings.band)
        give_back()  # the records, before the network needs the room
        answers = probabilities(found, model, settings, progress)
        events = [
            event
            for segment, answer in zip(found, answers, strict=True)
            for event in find_events(instrument, channels, segment, answer, settings)
            if day <= event.start.ns < day + DAY
        ]
        yield StationDay(instrument, day, found, answers, events)


def describe_skipped(skipped: Counter[str]) -> str:
    """What was left out, in words; empty if nothing was."""
    return "; ".join(f"{count} × {reason}" for reason, count in skipped.most_common())
