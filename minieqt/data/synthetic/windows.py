"""Windows of the synthetic STEAD: an event as a station recorded it, or a minute of noise, with its row of the CSV.

A window holds one earthquake: STEAD's table has no room for a second one, and none that could be picked is put in
without its labels (the augmentation adds second events, with theirs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from minieqt.data.measures import BIN, after_s, power, signal_to_noise
from minieqt.data.stead_writer import Row
from minieqt.data.synthetic.background import background
from minieqt.data.synthetic.disturbances import disturb
from minieqt.data.synthetic.flaws import recorded, spoil_earthquake, spoil_noise
from minieqt.data.synthetic.real_noise import RealNoise
from minieqt.data.synthetic.region import (
    EVENT,
    EVENTS_PER_REGION,
    KM_PER_DEGREE,
    NOISE,
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
from minieqt.data.synthetic.seismogram import Arrivals, earthquake
from minieqt.data.synthetic.source import radiation
from minieqt.data.synthetic.station import Station
from minieqt.data.table import RATE, SAMPLES

Array = Any

NETWORK = "SY"  # the code that the FDSN reserves for synthetic seismograms
NOISE_FROM = datetime(2005, 1, 1)
STATIONS_PER_EVENT = 6  # at most
NOISE_PER_REGION = 24
LATEST = SAMPLES - 150  # S comes before


def earthquake_windows(
    seed: int, numbers: Iterable[int] | None = None, real: RealNoise | None = None
) -> Iterator[tuple[Row, Array]]:
    """Rows of the CSV and windows (3, 6000) of the events `numbers`; None: of one after the other without end."""
    for number in count() if numbers is None else numbers:
        region, rng = make_region(seed, number // EVENTS_PER_REGION), stream(seed, EVENT, number)
        event = make_event(rng, number, region)
        epicentral, azimuth, expected_db = as_seen(event, region)
        seen = np.flatnonzero(rng.random(len(expected_db)) < chance_of_a_pick(expected_db, region.crust.picked_db))
        azimuths = np.sort(np.degrees(azimuth[seen]))
        gap = np.diff(azimuths, append=azimuths[:1] + 360).max(initial=0)
        for i in sorted(rng.permutation(seen)[:STATIONS_PER_EVENT].tolist()):
            station = region.stations[i]
            travel = travel_times(rng, region.crust, station, epicentral[i], event.depth_km, expected_db[i])
            if RATE * (travel.s - travel.p) < LATEST - 300:
                yield _window(rng, region.crust, event, station, travel, (epicentral[i], azimuth[i], float(gap)), real)


def arrivals_at(
    rng: np.random.Generator, event: Event, travel: Travel, p: float, s: float, epicentral: float, azimuth: float
) -> Arrivals:
    """An event as a station records it, with P and S at these samples of a window."""
    takeoff = np.pi - np.arctan2(epicentral, event.depth_km)  # a straight ray, upwards
    return Arrivals(
        p=p,
        s=s,
        distance_km=float(np.hypot(epicentral, event.depth_km)),
        azimuth=azimuth,
        incidence=float(np.arcsin(np.sin(takeoff) * rng.uniform(0.1, 0.8))),  # bent upwards near the surface
        moment=event.moment,
        stress_drop=event.stress_drop,
        radiation=radiation(event.strike, event.dip, event.rake, azimuth, takeoff),
        head_p=travel.head_p,
        head_s=travel.head_s,
        direct_p=RATE * travel.direct_p,
        direct_s=RATE * travel.direct_s,
    )


def place_of_p(rng: np.random.Generator, s_minus_p: float) -> float:
    """A sample for P such that S fits: a whole second between 4 and 9 in one window of three, as in most of STEAD;
    otherwise anywhere, mostly in the first half."""
    latest = min(LATEST - s_minus_p, SAMPLES - 400)
    if rng.random() < 0.35:
        return float(min(100.0 * rng.integers(4, 10), 100 * (latest // 100)))
    return round(rng.uniform(min(200.0, 0.5 * latest), min(latest, 3500.0)), 1)


def _window(
    rng: np.random.Generator,
    crust: Crust,
    event: Event,
    station: Station,
    travel: Travel,
    seen: tuple[float, float, float],
    real: RealNoise | None,
) -> tuple[Row, Array]:
    """seen: epicentral distance (km), azimuth (radians), the largest gap between stations (degrees)."""
    epicentral, azimuth, gap = seen
    s_minus_p = RATE * (travel.s - travel.p)
    p = place_of_p(rng, s_minus_p)
    s = round(p + s_minus_p, 1)
    motion = earthquake(rng, station, arrivals_at(rng, event, travel, p, s, epicentral, azimuth), crust)
    noise = background(rng, station, real)
    coda_end = find_coda_end(motion, noise, p, s)
    if rng.random() < 0.1:
        noise = disturb(rng, noise, station.noise_level)
    x = recorded(rng, station, motion + noise)
    coda_end = spoil_earthquake(rng, x, p, s, coda_end)
    start = event.time + timedelta(seconds=travel.p - p / RATE)
    row = _station_columns(station, start, "EV") | {
        "p_arrival_sample": p,
        "p_status": "manual",
        "p_weight": 0.5,
        "p_travel_sec": round(travel.p, 2),
        "s_arrival_sample": s,
        "s_status": "manual",
        "s_weight": 0.5,
        "source_id": event.name,
        "source_origin_time": _text(event.time),
        "source_origin_uncertainty_sec": 0.0,
        "source_latitude": round(event.latitude, 4),
        "source_longitude": round(event.longitude, 4),
        "source_error_sec": 0.0,
        "source_gap_deg": round(gap, 1),
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
        "snr_db": signal_to_noise(x, p, s),
        "coda_end_sample": np.array([[coda_end]]),
        "trace_category": "earthquake_local",
    }
    return row, x


def noise_windows(
    seed: int, numbers: Iterable[int] | None = None, real: RealNoise | None = None
) -> Iterator[tuple[Row, Array]]:
    """Rows of the CSV and windows (3, 6000) of noise, two in three of them disturbed; None: without end."""
    for number in count() if numbers is None else numbers:
        region, rng = make_region(seed, number // NOISE_PER_REGION), stream(seed, NOISE, number)
        station = region.stations[rng.integers(len(region.stations))]
        x = background(rng, station, real)
        if rng.random() < 0.65:
            for _ in range(rng.integers(1, 4)):
                x = disturb(rng, x, station.noise_level)
        x = recorded(rng, station, x)
        spoil_noise(rng, x)
        start = NOISE_FROM + timedelta(seconds=90 * number + round(rng.uniform(0, 30), 2))
        yield _station_columns(station, start, "NO") | {"trace_category": "noise"}, x


def find_coda_end(motion: Array, noise: Array, p: float, s: float) -> float:
    """Where the motion falls below the noise, or below a twentieth of its own largest half second; after S."""
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
