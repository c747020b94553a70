"""annotate and pick: ObsPy Streams in; probabilities, or events and picks, out.

A record is worked through day by day (UTC), with ten minutes of both neighbours for context, so that a month needs
no more memory than a day. The days are the calendar's: what comes out does not depend on how the record was cut into
files. An event belongs to the day in which its detection begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
from obspy import Stream, Trace, UTCDateTime

from minieqt.errors import UserError
from minieqt.heap import trim
from minieqt.model import EQTransformer
from minieqt.picking.events import Event, Pick, find_events
from minieqt.picking.probabilities import Probabilities, Settings, probabilities
from minieqt.picking.results import Events, Picks
from minieqt.records.channel import Instrument
from minieqt.records.left_out import LeftOut
from minieqt.records.segment import Segment, segments
from minieqt.records.serve import group, serve
from minieqt.records.span import DAY, SECOND, Span
from minieqt.weights.load import load_weights

Array = Any

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
    others: list[Pick]  # picks of no event, if they are wanted
    served: list[Span]  # when this instrument is the one that is picked

    def traces(self) -> Iterator[Trace]:
        """The day's own probabilities where this instrument is picked, as traces named DET, P, S."""
        for segment, found in zip(self.segments, self.probabilities, strict=True):
            T = segment.x.shape[1]
            for span in self.served:
                edges = ((edge - segment.start) / SECOND * segment.rate for edge in span)
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
    `events.others`: picks of no event, if the settings want them; `events.left_out`: which parts of the stream were not
    used, and why. UserError if nothing in it can be used.
    """
    left_out = LeftOut()
    events = Events()
    for day in station_days(stream, model or own_model(), Settings(**settings), progress, left_out):
        events.extend(day.events)
        events.others.extend(day.others)
    events.sort(key=attrgetter("start"))
    events.left_out = left_out
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
    """Join traces that were cut only at midnight; those of other channels may come in between."""
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
    stream: Stream,
    model: EQTransformer,
    settings: Settings,
    progress: Callable[[int], object],
    left_out: LeftOut | None = None,
) -> Iterator[StationDay]:
    """Every station of a stream, day by day; `left_out` gets what is not used. UserError if nothing can be."""
    left_out = LeftOut() if left_out is None else left_out
    stations: dict[tuple[str, str], list[Trace]] = {}
    for trace in stream:
        if len(trace.data):
            stations.setdefault((trace.stats.network, trace.stats.station), []).append(trace)
    for _, traces in sorted(stations.items()):
        spans = ((trace.stats.starttime.ns, trace.stats.endtime.ns) for trace in traces)
        for day in sorted({day for start, end in spans for day in range(start // DAY * DAY, end + 1, DAY)}):
            of_day = LeftOut(day, day + DAY)
            yield from station_day(traces, day, model, settings, progress, of_day)
            left_out.extend(of_day)
    if not left_out.picked:
        raise UserError(f"nothing to pick: {left_out if left_out else 'the stream is empty'}")


def station_day(
    traces: Iterable[Trace],
    day: int,
    model: EQTransformer,
    settings: Settings,
    progress: Callable[[int], object] = lambda windows: None,
    left_out: LeftOut | None = None,
) -> Iterator[StationDay]:
    """One day, given by its first nanosecond, of one station's traces (which may go beyond it).

    Its best instrument at any time, or all of them, as the settings say; nothing without data.
    """
    left_out = LeftOut(day, day + DAY) if left_out is None else left_out
    first, last = UTCDateTime(ns=day - CONTEXT), UTCDateTime(ns=day + DAY + CONTEXT)
    groups = group((trace.slice(first, last) for trace in traces), left_out, settings.band)
    chosen = deque(
        (at, groups.pop(at), served) for at, served in serve(groups, settings.instruments, (day, day + DAY), left_out)
    )
    del groups  # so that the records can be freed before their probabilities need the memory
    model.eval()
    while chosen:
        instrument, components, served = chosen.popleft()
        trim()  # what reading left behind
        found = segments(components, settings.band, left_out, served)
        trim()  # the records, before the network needs the room
        answers = probabilities(found, model, settings, progress)

        def serves(time: UTCDateTime, spans: list[Span] = served) -> bool:
            return any(start <= time.ns < end for start, end in spans)

        events, others = [], []
        for segment, answer in zip(found, answers, strict=True):
            detected, free = find_events(instrument, segment, answer, settings)
            events += [event for event in detected if serves(event.start)]
            others += [pick for pick in free if serves(pick.time)]
        yield StationDay(instrument, day, found, answers, events, others, served)
