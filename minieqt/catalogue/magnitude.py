"""Local magnitude, from the amplitude that a Wood-Anderson seismograph would have recorded (Richter 1935).

    ML = log10 A + 1.110 log10(r / 100) + 0.00189 (r − 100) + 3

A: the largest amplitude on its paper (mm, zero to peak), r: km to the hypocentre; the decay with distance is that of
southern California (Hutton & Boore 1987, Bull. Seism. Soc. Am. 77, 2074–2094). The seismograph has a period of 0.8 s
and magnifies 2080 times (Uhrhammer & Collins 1990), as ObsPy has it.

A station counts with its pick. Its amplitude is the geometric mean of its horizontal components', the largest from a
second before P until some seconds after S; each must be three times the largest of the five seconds before. Where the
station's best instrument gives none, the next is taken. An earthquake's magnitude is its stations' median.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from obspy import Stream, Trace, UTCDateTime
from tqdm import tqdm

from minieqt.catalogue.earthquake import Amplitude, Arrival, Earthquake
from minieqt.errors import UserError
from minieqt.records.archive import Archive, open_archive
from minieqt.records.channel import NAMED, Instrument, split_channel
from minieqt.records.selection import Selection
from minieqt.records.span import SECOND
from minieqt.records.stations import read_inventory

if TYPE_CHECKING:
    from obspy import Inventory

MILLIMETRES = 1000.0  # of a metre
RATIO = math.sqrt(3)  # of P's speed and S's, where only one of them was picked
BEFORE, AFTER = 1.0, 5.0  # s before P; after S, or S − P if that is longer
NOISE = 5.0  # s before that
STANDS_OUT = 3.0  # times the noise
LOWEST = (0.25, 0.5)  # Hz: nothing below the first, all above the second; microseisms are slower
AROUND = 20.0  # s of records on both sides, for tapers; NEEDED of them at the least
NEEDED = 5.0


def local_magnitude(millimetres: float, kilometres: float) -> float:
    """ML of a Wood-Anderson amplitude at a distance to the hypocentre."""
    return math.log10(millimetres) + 1.110 * math.log10(kilometres / 100) + 0.00189 * (kilometres - 100) + 3


def read_responses(path: Path) -> Inventory:
    """An inventory with instrument responses. UserError if it is no inventory, or has none."""
    responses = read_inventory(path)
    channels = [channel for network in responses for station in network for channel in station]
    if not any(channel.response is not None and channel.response.response_stages for channel in channels):
        raise UserError(f"{path} has no instrument's response: magnitudes need one (fetch --responses)")
    return responses


def with_magnitudes(
    earthquakes: Sequence[Earthquake], inputs: Sequence[Path], responses: Inventory, out: Path
) -> tuple[list[Earthquake], Counter[str]]:
    """The earthquakes with their amplitudes; {why: how many times a station with picks has none}.

    UserError without records.
    """
    left_out: Counter[str] = Counter()
    if not earthquakes:
        return [], left_out
    spans = [_span(each, list(each.arrivals)) for each in earthquakes]
    chosen = Selection(UTCDateTime(ns=min(spans)[0]), UTCDateTime(ns=max(end for _, end in spans)))
    archive = open_archive(list(inputs), chosen, lambda path: None, out)
    measured = []
    for each in tqdm(earthquakes, desc="magnitudes", disable=None):
        found = []
        for network, station in sorted(each.stations):
            arrivals = [at for at in each.arrivals if (at.onset.network, at.onset.station) == (network, station)]
            amplitude = _amplitude(each, arrivals, archive, responses)
            if isinstance(amplitude, str):
                left_out[amplitude] += 1
            else:
                found.append(amplitude)
        measured.append(replace(each, amplitudes=tuple(found)))
    return measured, left_out


def _phases(each: Earthquake, arrivals: Sequence[Arrival]) -> tuple[int, int]:
    """When P and S come to a station (ns), one of which was picked."""
    picked = {at.onset.phase: at.onset.time for at in arrivals}
    p = picked["P"] if "P" in picked else each.time + round((picked["S"] - each.time) / RATIO)
    return p, picked["S"] if "S" in picked else each.time + round((p - each.time) * RATIO)


def _signal(p: int, s: int) -> tuple[int, int]:
    """From when to when (ns) its largest amplitude is looked for."""
    return p - round(BEFORE * SECOND), s + max(round(AFTER * SECOND), s - p)


def _span(each: Earthquake, arrivals: Sequence[Arrival]) -> tuple[int, int]:
    """From when to when (ns) records are read."""
    spans = []
    for at in arrivals:
        begin, end = _signal(*_phases(each, [at]))
        spans.append((begin - round((NOISE + AROUND) * SECOND), end + round(AROUND * SECOND)))
    return min(begin for begin, _ in spans), max(end for _, end in spans)


def _amplitude(
    each: Earthquake, arrivals: Sequence[Arrival], archive: Archive, responses: Inventory
) -> Amplitude | str:
    """A station's, by the first of its instruments that serves; or why the best has none."""
    at = arrivals[0]
    station = at.onset.network, at.onset.station
    first, last = _signal(*_phases(each, arrivals))
    traces = archive.read(station, *_span(each, arrivals)) if station in archive.entries else []
    instruments: dict[Instrument, dict[str, list[Trace]]] = {}
    for trace in traces:
        band, component = split_channel(trace.stats.channel)
        if component in "12" or NAMED.get(component) in ("E", "N"):
            of = instruments.setdefault(Instrument(*station, trace.stats.location, band), {})
            of.setdefault(trace.stats.channel, []).append(trace)
    if not instruments:
        return "station without horizontal records" if traces else "station without records"
    reasons = []
    for instrument in sorted(instruments, key=Instrument.rank):
        millimetres = _height(list(instruments[instrument].values()), first, last, responses)
        if isinstance(millimetres, str):
            reasons.append(millimetres)
            continue
        height = each.depth + at.place[2] / 1000
        kilometres = max(float(np.hypot(at.distance, height)), 0.1)
        magnitude = local_magnitude(millimetres, kilometres)
        return Amplitude(*station, instrument.location, instrument.band, millimetres, kilometres, magnitude)
    return reasons[0]


def _height(channels: Sequence[list[Trace]], first: int, last: int, responses: Inventory) -> float | str:
    """mm on a Wood-Anderson seismograph's paper by one instrument's horizontal channels, or why there are none."""
    logarithms = []
    for channel in channels:
        whole = _whole(channel, first - round(NOISE * SECOND), last)
        if whole is None:
            return "gap in the records"
        simulated = wood_anderson(whole, responses)
        if simulated is None:
            return "station without a response"
        begin, end = UTCDateTime(ns=first), UTCDateTime(ns=last)
        noise, signal = (
            float(np.abs(part.data).max())
            for part in (simulated.slice(begin - NOISE, begin), simulated.slice(begin, end))
        )
        if not signal > STANDS_OUT * noise > 0:
            return "amplitude that does not stand out of the noise"
        logarithms.append(math.log10(MILLIMETRES * signal))
    return 10 ** float(np.mean(logarithms))


def _whole(traces: list[Trace], start: int, end: int) -> Trace | None:
    """One channel's records without a gap over a time (ns), and NEEDED around it; None if there are none."""
    try:
        merged = Stream(traces).merge(method=1).split()
    except Exception:  # what ObsPy raises for records of different rates or types
        return None
    begin, finish = UTCDateTime(ns=start) - NEEDED, UTCDateTime(ns=end) + NEEDED
    return next((each for each in merged if each.stats.starttime <= begin and each.stats.endtime >= finish), None)


def wood_anderson(trace: Trace, responses: Inventory) -> Trace | None:
    """What a Wood-Anderson seismograph would have recorded (m on its paper); None if no response is known."""
    from obspy.signal.invsim import WOODANDERSON

    rate = trace.stats.sampling_rate
    simulated = trace.copy()
    options: dict[str, Any] = {"output": "VEL", "pre_filt": (*LOWEST, 0.4 * rate, 0.45 * rate)}
    try:
        simulated.remove_response(responses, **options)
    except Exception:  # what ObsPy raises for a channel that is missing, has no stages, or impossible ones
        return None
    return simulated.simulate(paz_simulate=WOODANDERSON)
