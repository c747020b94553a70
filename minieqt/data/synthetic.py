"""A synthetic STEAD: earthquakes and noise at the stations of a small region, in STEAD's exact layout.

For tests, for lessons and for a first training run where the real data set is not at hand. Magnitudes follow
Gutenberg and Richter; a station's window enters the data set with a chance that grows with its signal-to-noise
ratio, as in a catalogue of picks. Every event and every noise window draws from a stream of its own, (seed,
which), so that the same seed writes the same traces. Arrivals are exact: there is no analyst to err.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import chain, count, islice
from multiprocessing import get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Any

import numpy as np

from minieqt.data.background import RATE, Station, background, disturb, make_station
from minieqt.data.measures import BIN, after_s, power, signal_to_noise
from minieqt.data.seismogram import Arrivals, earthquake, peak_velocity, radiation
from minieqt.data.stead_writer import Row, write_windows
from minieqt.data.table import COMPONENTS, SAMPLES
from minieqt.errors import UserError
from minieqt.philox import SYNTHETIC

Array = Any

NETWORK = "SY"  # the code that the FDSN keeps for synthetic seismograms
STATIONS, FAULTS = 40, 12
LATITUDE, LONGITUDE, EXTENT = 36.0, -118.0, 1.6  # corner and size of the region, degrees
KM_PER_DEGREE = 111.19
REGION, EVENT, NOISE, NETWORK_EVENT, NETWORK_STATION = range(5)  # which kind of stream
EVENTS_FROM, NOISE_FROM = datetime(2015, 1, 1), datetime(2005, 1, 1)
STATIONS_PER_EVENT = 8  # at most
PICKED_DB = 34.0  # expected signal-to-noise ratio at which half of the windows are picked


@dataclass(frozen=True)
class Event:
    """A double couple; angles in radians."""

    name: str
    time: datetime
    latitude: float
    longitude: float
    depth_km: float
    magnitude: float
    stress_drop: float  # Pa
    strike: float
    dip: float
    rake: float

    @property
    def moment(self) -> float:
        """Nm (Hanks and Kanamori 1979)."""
        return 10 ** (1.5 * self.magnitude + 9.05)


def write_stead(
    hdf5: str | Path,
    csv: str | Path,
    count: int,
    seed: int,
    noise_fraction: float = 0.3,
    progress: bool = False,
    processes: int = 1,
    distinct: int | None = None,
) -> None:
    """Write `count` windows, of them the fraction noise, as a STEAD pair of files; the same seed, the same traces,
    however many processes make them.

    distinct: make only about so many, and write them over and over, each time under other names; they stay in memory.
    Both files appear only when they are complete. UserError for a count, fraction or seed that makes no sense.
    """
    distinct = count if distinct is None else distinct
    if min(count, distinct) < 1 or not 0 <= noise_fraction <= 1 or not 0 <= seed < 2**32:
        raise UserError(
            "a synthetic data set needs at least one window, a noise fraction in 0 to 1 and a seed in 0 to 2^32 - 1; "
            f"got {count}, {noise_fraction}, {seed}"
        )
    from tqdm import tqdm

    noise_count = round(count * noise_fraction)
    with _sources(seed, processes) as (earthquakes, noise):
        windows = chain(
            *(
                islice(part, size) if distinct >= count else over_and_over(part, max(1, distinct * size // count), size)
                for part, size in ((earthquakes, count - noise_count), (noise, noise_count))
            )
        )
        write_windows(Path(hdf5), Path(csv), tqdm(windows, total=count, unit=" windows", disable=not progress))


def over_and_over(windows: Iterator[tuple[Row, Array]], distinct: int, count: int) -> Iterator[tuple[Row, Array]]:
    """`count` windows: the first so many, then the same again and again as other traces of other events."""
    kept = []
    for window in islice(windows, min(distinct, count)):
        kept.append(window)
        yield window
    for number in range(distinct, count):
        row, x = kept[number % distinct]
        turn = number // distinct
        stem, suffix = row["trace_name"].rsplit("_", 1)
        again = row | {"trace_name": f"{stem}_{turn}_{suffix}"}
        yield again | ({"source_id": f"{row['source_id']}_{turn}"} if "source_id" in row else {}), x


# -- many at a time ----------------------------------------------------------------------------------------

CHUNK = 25  # events, or noise windows, that a process makes at a time


def _chunk(what: tuple[int, int, int]) -> list[tuple[Row, Array]]:
    """All windows of some events, or some noise windows: a function of its own, so that another process may call it."""
    seed, kind, first = what
    stations, faults = _region(seed)
    if kind == EVENT:
        return list(earthquake_windows(seed, stations, faults, range(first, first + CHUNK)))
    return list(noise_windows(seed, stations, range(first, first + CHUNK)))


@contextmanager
def _sources(seed: int, processes: int) -> Iterator[tuple[Iterator[tuple[Row, Array]], Iterator[tuple[Row, Array]]]]:
    """Earthquakes and noise without end, made by so many processes; what waits to be taken is bounded."""
    if processes == 1:
        stations, faults = _region(seed)
        yield earthquake_windows(seed, stations, faults), noise_windows(seed, stations)
        return
    # Ctrl-C is for the one that writes.
    with ProcessPoolExecutor(processes, get_context("spawn"), signal, (SIGINT, SIG_IGN)) as pool:

        def made(kind: int) -> Iterator[tuple[Row, Array]]:
            chunks = ((seed, kind, first) for first in count(0, CHUNK))
            waiting = deque(pool.submit(_chunk, chunk) for chunk in islice(chunks, 2 * processes))
            while True:
                yield from waiting.popleft().result()
                waiting.append(pool.submit(_chunk, next(chunks)))

        try:
            yield made(EVENT), made(NOISE)
        finally:
            pool.shutdown(cancel_futures=True)


@cache
def _region(seed: int) -> tuple[list[Station], Array]:
    return make_region(seed)


# -- the region --------------------------------------------------------------------------------------------


def stream(seed: int, kind: int, number: int) -> np.random.Generator:
    """Random numbers for one purpose only."""
    return np.random.Generator(np.random.Philox(key=[seed, SYNTHETIC], counter=[0, 0, kind, number]))


def make_region(seed: int) -> tuple[list[Station], Array]:
    """The stations, and the faults as rows (latitude, longitude, strike in radians, half length in degrees)."""
    rng = stream(seed, REGION, 0)
    stations = [
        make_station(rng, f"S{i:02d}", *np.round(rng.uniform(0, EXTENT, 2) + (LATITUDE, LONGITUDE), 4).tolist())
        for i in range(STATIONS)
    ]
    faults = np.stack(
        [
            rng.uniform(LATITUDE, LATITUDE + EXTENT, FAULTS),
            rng.uniform(LONGITUDE, LONGITUDE + EXTENT, FAULTS),
            rng.normal(np.radians(320), 0.4, FAULTS),
            rng.uniform(0.02, 0.3, FAULTS),
        ],
        axis=1,
    )
    return stations, faults


def make_event(rng: np.random.Generator, number: int, faults: Array) -> Event:
    """The next event of the catalogue, on one of the faults: log10 N(≥ M) = a − M, M from 0 to 5."""
    latitude, longitude, strike, half_length = faults[rng.integers(FAULTS)]
    along = rng.uniform(-half_length, half_length)
    return Event(
        name=f"sy{number:08d}",
        time=EVENTS_FROM + timedelta(seconds=900 * number + round(rng.uniform(0, 600), 2)),
        latitude=latitude + along * np.cos(strike) + rng.normal(0, 0.015),
        longitude=longitude + along * np.sin(strike) / np.cos(np.radians(latitude)) + rng.normal(0, 0.015),
        depth_km=rng.triangular(1.0, 7.0, 20.0),
        magnitude=-np.log10(1 - rng.random() * (1 - 1e-5)),
        stress_drop=3e6 * rng.lognormal(0, 0.8),
        strike=strike + rng.normal(0, 0.15),
        dip=np.radians(min(rng.normal(75, 12), 90)),
        rake=np.radians(rng.normal(170, 30)),
    )


# -- windows -----------------------------------------------------------------------------------------------


def earthquake_windows(
    seed: int, stations: list[Station], faults: Array, numbers: Iterable[int] | None = None
) -> Iterator[tuple[Row, Array]]:
    """Rows of the CSV and windows (3, 6000) of these events, or of one after the other without end."""
    for number in count() if numbers is None else numbers:
        rng = stream(seed, EVENT, number)
        event = make_event(rng, number, faults)
        epicentral, azimuth, expected_db = as_seen(event, stations)
        seen = np.flatnonzero(rng.random(len(stations)) < chance_of_a_pick(expected_db))
        azimuths = np.sort(np.degrees(azimuth[seen]))
        gap = np.diff(azimuths, append=azimuths[:1] + 360).max(initial=0)
        for i in sorted(rng.permutation(seen)[:STATIONS_PER_EVENT].tolist()):
            yield _earthquake_window(rng, event, stations[i], epicentral[i], azimuth[i], gap)


def as_seen(event: Event, stations: list[Station]) -> tuple[Array, Array, Array]:
    """(epicentral distance in km, azimuth in radians, expected signal-to-noise ratio in dB) at each station."""
    latitude, longitude, kappa, size = np.array(
        [(s.latitude, s.longitude, s.kappa_s, s.amplification * s.gain / s.noise_level) for s in stations]
    ).T
    north = (latitude - event.latitude) * KM_PER_DEGREE
    east = (longitude - event.longitude) * KM_PER_DEGREE * np.cos(np.radians(event.latitude))
    epicentral, azimuth = np.hypot(north, east), np.arctan2(east, north)
    peak = peak_velocity(event.moment, event.stress_drop, np.hypot(epicentral, event.depth_km), kappa)
    return epicentral, azimuth, 20 * np.log10(peak * size)


def chance_of_a_pick(expected_db: Array) -> Array:
    """How likely an analyst picks an arrival of this expected signal-to-noise ratio."""
    return 1 / (1 + np.exp((PICKED_DB - expected_db) / 4))


def travel_times(rng: np.random.Generator, station: Station, distance: float) -> tuple[float, float]:
    """Of P and S over `distance` km, in seconds."""
    speed = 5.7 + 0.9 * distance / (distance + 60)  # km/s: a long ray runs deeper and faster
    p_travel = distance / speed + station.delay_s
    return p_travel, distance / speed * rng.normal(1.73, 0.015) + 1.8 * station.delay_s


def arrivals_at(
    rng: np.random.Generator, event: Event, p: float, s: float, epicentral: float, azimuth: float
) -> Arrivals:
    """An event as a station sees it, whose P and S stand at these samples of a window."""
    takeoff = np.pi - np.arctan2(epicentral, event.depth_km)  # a straight ray, upwards
    return Arrivals(
        p=p,
        s=s,
        distance_km=float(np.hypot(epicentral, event.depth_km)),
        azimuth=azimuth,
        incidence=float(np.arcsin(np.sin(takeoff) * rng.uniform(0.3, 0.6))),  # bent upwards near the surface
        moment=event.moment,
        stress_drop=event.stress_drop,
        radiation=radiation(event.strike, event.dip, event.rake, azimuth, takeoff),
    )


def _earthquake_window(
    rng: np.random.Generator, event: Event, station: Station, epicentral: float, azimuth: float, gap: float
) -> tuple[Row, Array]:
    p_travel, s_travel = travel_times(rng, station, float(np.hypot(epicentral, event.depth_km)))
    # P stands at a whole second in most of STEAD
    p = 100.0 * rng.integers(4, 10) if rng.random() < 0.93 else round(rng.uniform(300, 1200), 1)
    s = round(p + RATE * (s_travel - p_travel), 1)
    arrivals = arrivals_at(rng, event, p, s, epicentral, azimuth)
    motion = earthquake(rng, station, arrivals)
    noise = background(rng, station)
    coda_end = find_coda_end(motion, noise, arrivals.p, arrivals.s)
    if rng.random() < 0.15:
        noise = disturb(rng, noise, station.noise_level)
    x = _record(station, motion + noise)
    if rng.random() < 0.02:
        x[rng.integers(COMPONENTS)] = 0
    start = event.time + timedelta(seconds=p_travel - p / RATE)
    row = _station_columns(station, start, "EV") | {
        "p_arrival_sample": p,
        "p_status": "manual",
        "p_weight": 0.5,
        "p_travel_sec": round(p_travel, 2),
        "s_arrival_sample": arrivals.s,
        "s_status": "manual",
        "s_weight": 0.5,
        "source_id": event.name,
        "source_origin_time": _text(event.time),
        "source_origin_uncertainty_sec": 0.0,
        "source_latitude": round(event.latitude, 4),
        "source_longitude": round(event.longitude, 4),
        "source_error_sec": 0.0,
        "source_gap_deg": round(float(gap), 1),
        "source_horizontal_uncertainty_km": 0.0,
        "source_depth_km": round(event.depth_km, 2),
        "source_depth_uncertainty_km": "None",
        "source_magnitude": round(event.magnitude, 2),
        "source_magnitude_type": "mw",
        "source_magnitude_author": "None",
        "source_mechanism_strike_dip_rake": "None",
        "source_distance_deg": round(epicentral / KM_PER_DEGREE, 4),
        "source_distance_km": round(epicentral, 2),
        "back_azimuth_deg": round(float(np.degrees(azimuth) + 180) % 360, 1),
        "snr_db": signal_to_noise(x, arrivals.p, arrivals.s),
        "coda_end_sample": np.array([[coda_end]]),
        "trace_category": "earthquake_local",
    }
    return row, x


def noise_windows(
    seed: int, stations: list[Station], numbers: Iterable[int] | None = None
) -> Iterator[tuple[Row, Array]]:
    """Rows of the CSV and windows (3, 6000) of noise, three in five of them disturbed; or without end."""
    for number in count() if numbers is None else numbers:
        rng = stream(seed, NOISE, number)
        station = stations[rng.integers(len(stations))]
        x = background(rng, station)
        if rng.random() < 0.6:
            for _ in range(rng.integers(1, 4)):
                x = disturb(rng, x, station.noise_level)
        x = _record(station, x)
        flaw = rng.random()
        if flaw < 0.01:
            x[:] = x[0]  # STEAD's trap: one component three times
        elif flaw < 0.03:
            x[:, : rng.integers(SAMPLES)] = 0  # the recording begins late
        elif flaw < 0.05:
            x[rng.integers(COMPONENTS)] = 0
        start = NOISE_FROM + timedelta(seconds=90 * number + round(rng.uniform(0, 30), 2))
        yield _station_columns(station, start, "NO") | {"trace_category": "noise"}, x


def _record(station: Station, x: Array) -> Array:
    """What the instrument makes of counts: 24 bits, whole or filtered and tapered like much of STEAD."""
    x = np.clip(x, -(2**23), 2**23)
    if station.whole_counts:
        return np.rint(x)
    taper = np.sin(np.linspace(0, np.pi / 2, 60, dtype=np.float32)) ** 2
    x -= x.mean(axis=-1, keepdims=True)
    x[:, :60] *= taper
    x[:, -60:] *= taper[::-1]
    return x


def find_coda_end(motion: Array, noise: Array, p: float, s: float) -> float:
    """Where the motion sinks below the noise, or below a twentieth of its own largest half second; after S."""
    half_seconds = power(motion)
    loud = half_seconds > max(np.square(noise).mean(), half_seconds.max() / 400)
    return after_s(BIN * (1 + np.flatnonzero(loud).max(initial=-1)), p, s)


def _text(time: datetime) -> str:
    return time.isoformat(sep=" ", timespec="microseconds")


def _station_columns(station: Station, start: datetime, suffix: str) -> Row:
    return {
        "network_code": NETWORK,
        "receiver_code": station.code,
        "receiver_type": station.kind,
        "receiver_latitude": station.latitude,
        "receiver_longitude": station.longitude,
        "receiver_elevation_m": station.elevation_m,
        "trace_start_time": _text(start),
        "trace_name": f"{station.code}.{NETWORK}_{start:%Y%m%d%H%M%S}_{suffix}",
    }
