"""A synthetic network: some hours of continuous records at a few stations, and a catalogue that is fully known.

Every earthquake is in the records; the truth lists the arrivals that stand out of the noise. Analysts work on the
larger events only, those that enough stations saw, leave some of their arrivals out, and err by hundredths of a second.
So a comparison of picks finds all kinds: common ones, additional ones that are right, and missed ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minieqt.data.synthetic.background import background
from minieqt.data.synthetic.region import (
    NETWORK_EVENT,
    NETWORK_STATION,
    REGION,
    Crust,
    Event,
    Travel,
    as_seen,
    chance_of_a_pick,
    make_event,
    make_region,
    stream,
    travel_times,
)
from minieqt.data.synthetic.seismogram import earthquake
from minieqt.data.synthetic.sequences import Origin, on_the_fault, sequences
from minieqt.data.synthetic.station import Station
from minieqt.data.synthetic.windows import NETWORK, arrivals_at
from minieqt.data.table import COMPONENTS, RATE, SAMPLES
from minieqt.errors import UserError
from minieqt.files import atomic_write, csv_lines, write_text

if TYPE_CHECKING:
    from obspy import Inventory, Stream
    from obspy.core.event import Catalog

Array = Any

START = datetime(2020, 1, 1)
DRAWN = 40  # stations drawn at least: the stations of a smaller network are the first of these
MOST = 999  # stations
MAGNITUDE = 1.5  # the smallest one
BEFORE_P = 500  # samples of an earthquake's minute before its P
FADE = 1000  # samples in which one minute of background becomes the next
ANALYSTS_STATIONS = 4  # that must have seen an event before analysts work on it
ANALYSTS_LEAVE = 0.15  # of the arrivals of the events that they work on
ANALYSTS_ERROR = {"P": 0.03, "S": 0.07}  # standard deviations, seconds


@dataclass(frozen=True)
class Arrival:
    """One phase of an event at a station: when (seconds after START), and when the analysts say, if they do."""

    event: Event
    station: Station
    phase: str
    time: float
    expected_db: float
    analyst: float | None = None


@dataclass(frozen=True)
class Wave:
    """An event at a station, seen or not: when P and S arrive (seconds after START), from where."""

    event: Event
    p: float
    s: float
    travel: Travel
    epicentral: float  # km
    azimuth: float  # radians


@dataclass(frozen=True)
class Network:
    """Stations, events, and the arrivals that stand out of the noise; `waves` are all there are, seen or not."""

    seed: int
    seconds: float
    stations: list[Station]
    events: list[Event]
    arrivals: list[Arrival]
    waves: dict[str, list[Wave]]  # by station


def make_network(
    seed: int, hours: float = 1.0, stations: int = 12, events_per_hour: float = 40.0, in_sequence: int = 0
) -> Network:
    """Draw a network and its catalogue; the same seed gives the same. UserError for numbers that make no sense.

    in_sequence: earthquakes in a swarm and as many after a mainshock, besides those at random times.
    """
    if not 0 < hours <= 24 * 31 or not 1 <= stations <= MOST or events_per_hour < 0:
        raise UserError(f"a network has 1 to {MOST} stations and up to 744 hours; got {stations} and {hours:g}")
    region = make_region(seed, crust=Crust(), stations=max(stations, DRAWN))
    region = replace(region, stations=region.stations[:stations])
    chosen = region.stations
    seconds = 3600 * hours
    rng = stream(seed, REGION, 1)
    events, arrivals = [], []
    waves: dict[str, list[Wave]] = {station.code: [] for station in chosen}
    origins = [Origin(time) for time in rng.uniform(0, seconds, rng.poisson(events_per_hour * hours)).tolist()]
    if in_sequence:
        origins += sequences(rng, region, seconds, in_sequence)
    for number, (origin, fault, magnitude) in enumerate(sorted(origins, key=lambda each: each.time)):
        rng = stream(seed, NETWORK_EVENT, number)
        event = make_event(rng, number, region if fault is None else on_the_fault(region, fault))
        magnitude = event.magnitude + MAGNITUDE if magnitude is None else magnitude
        event = replace(event, time=START + timedelta(seconds=round(origin, 2)), magnitude=magnitude)
        events.append(event)
        epicentral, azimuth, expected_db = as_seen(event, region)
        seen = rng.random(stations) < chance_of_a_pick(expected_db, region.crust.picked_db)
        worked_on = seen.sum() >= ANALYSTS_STATIONS
        for i, station in enumerate(chosen):
            travel = travel_times(rng, region.crust, station, epicentral[i], event.depth_km, expected_db[i])
            times = {"P": round(origin, 2) + travel.p, "S": round(origin, 2) + travel.s}
            waves[station.code].append(Wave(event, times["P"], times["S"], travel, epicentral[i], azimuth[i]))
            for phase, time in times.items():
                picked = rng.random() >= ANALYSTS_LEAVE
                error = rng.normal(0, ANALYSTS_ERROR[phase])
                if seen[i] and time < seconds:
                    analyst = round(time + error, 2) if worked_on and picked else None
                    arrivals.append(Arrival(event, station, phase, time, float(expected_db[i]), analyst))
    return Network(seed, seconds, chosen, events, arrivals, waves)


def record(network: Network, station: Station) -> Array:
    """The continuous record of one station: (3, N) float32 counts, E N Z."""
    rng = stream(network.seed, NETWORK_STATION, network.stations.index(station))
    length = round(network.seconds * RATE)
    x = continuous_background(rng, station, length)
    end = np.cos(np.linspace(0, np.pi / 2, FADE, dtype=np.float32)) ** 2
    for wave in network.waves[station.code]:
        first = int(np.floor(wave.p * RATE)) - BEFORE_P
        p, s = wave.p * RATE - first, wave.s * RATE - first
        place = arrivals_at(rng, wave.event, wave.travel, p, s, wave.epicentral, wave.azimuth)
        motion = earthquake(rng, station, place, Crust())
        motion[:, -FADE:] *= end
        left, right = max(first, 0), min(first + SAMPLES, length)
        if left < right:
            x[:, left:right] += motion[:, left - first : right - first]
    return np.rint(np.clip(x, -(2**23), 2**23))


def continuous_background(rng: np.random.Generator, station: Station, length: int) -> Array:
    """Minutes of background, each fading into the next at constant power: (3, length) float32."""
    step = SAMPLES - FADE
    ramp = np.sin(np.linspace(0, np.pi / 2, FADE, dtype=np.float32))
    window = np.ones(SAMPLES, np.float32)
    window[:FADE], window[-FADE:] = ramp, ramp[::-1]
    x = np.zeros((COMPONENTS, length + 2 * SAMPLES), np.float32)
    for first in range(0, length + FADE, step):
        x[:, first : first + SAMPLES] += window * background(rng, station)
    return x[:, FADE : FADE + length]


# -- files -------------------------------------------------------------------------------------------------------


def write_network(folder: Path, network: Network, progress: bool = False) -> None:
    """Write SY.CODE.mseed for each station, stations.xml, analysts.xml (QuakeML), truth.csv, and every.csv: all that is
    in the records, however deep in the noise."""
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    for station in tqdm(network.stations, unit="station", disable=not progress):
        with atomic_write(folder / f"{NETWORK}.{station.code}.mseed") as partial:
            as_stream(network, station).write(str(partial), format="MSEED", encoding="STEIM2")
    with atomic_write(folder / "stations.xml") as partial:
        as_inventory(network).write(str(partial), format="STATIONXML")
    with atomic_write(folder / "analysts.xml") as partial:
        as_catalogue(network).write(str(partial), format="QUAKEML")
    write_table(folder / "truth.csv", [(a.time, a.station.code, a.phase, a.event) for a in network.arrivals])
    every = [
        (time, code, phase, wave.event)
        for code, waves in network.waves.items()
        for wave in waves
        for phase, time in (("P", wave.p), ("S", wave.s))
        if time < network.seconds
    ]
    write_table(folder / "every.csv", every)


def write_table(path: Path, arrivals: list[tuple[float, str, str, Event]]) -> None:
    """Arrivals as (seconds after START, station, phase, event), in order of time."""
    rows = [["network", "station", "phase", "time", "event_id", "magnitude"]]
    for seconds, code, phase, event in sorted(arrivals, key=lambda arrival: arrival[:3]):
        time = (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds") + "Z"
        rows.append([NETWORK, code, phase, time, event.name, f"{event.magnitude:.2f}"])
    write_text(path, "".join(csv_lines(rows)))


def as_stream(network: Network, station: Station) -> Stream:
    """One station's record as ObsPy has it."""
    from obspy import Stream, Trace, UTCDateTime

    header = {"network": NETWORK, "station": station.code, "sampling_rate": RATE, "starttime": UTCDateTime(START)}
    x = record(network, station).astype(np.int32)
    return Stream([Trace(row, header | {"channel": f"{station.kind}{c}"}) for row, c in zip(x, "ENZ", strict=True)])


def as_inventory(network: Network) -> Inventory:
    """Where the stations are."""
    from obspy.core.inventory import Inventory, Network, Station

    held = [Station(s.code, s.latitude, s.longitude, s.elevation_m) for s in network.stations]
    return Inventory([Network(NETWORK, held)], source="synthetic")


def as_catalogue(network: Network) -> Catalog:
    """What the analysts publish: the events that they worked on, with origin, magnitude and picks."""
    from obspy import UTCDateTime
    from obspy.core.event import Catalog, Magnitude, Origin, Pick, ResourceIdentifier, WaveformStreamID
    from obspy.core.event import Event as QuakeEvent

    catalogue = Catalog(resource_id=ResourceIdentifier("smi:minieqt/analysts"))
    for event in network.events:
        picks = [
            Pick(
                resource_id=ResourceIdentifier(f"smi:minieqt/{event.name}/{a.station.code}/{a.phase}"),
                time=UTCDateTime(START) + a.analyst,
                phase_hint=a.phase,
                waveform_id=WaveformStreamID(NETWORK, a.station.code, channel_code=f"{a.station.kind}Z"),
                evaluation_mode="manual",
            )
            for a in network.arrivals
            if a.event is event and a.analyst is not None
        ]
        if picks:
            name = f"smi:minieqt/{event.name}"
            place = {"latitude": event.latitude, "longitude": event.longitude, "depth": 1000 * event.depth_km}
            origin = Origin(ResourceIdentifier(f"{name}/origin"), time=UTCDateTime(event.time), **place)
            size = Magnitude(ResourceIdentifier(f"{name}/magnitude"), mag=round(event.magnitude, 2))
            catalogue.append(QuakeEvent(ResourceIdentifier(name), picks=picks, origins=[origin], magnitudes=[size]))
    return catalogue
