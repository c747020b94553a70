"""Where earthquakes happen and are recorded: crusts, networks of stations, faults and their events.

Eight events share a region, the next eight have another: its size (a mine or a geothermal field, a county, a
country), its speeds, its attenuation and how strongly it scatters are drawn anew. Magnitudes follow Gutenberg and
Richter, from the smallest that a few stations record.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from minieqt.data.synthetic.source import peak_motion
from minieqt.data.synthetic.station import Station, make_station
from minieqt.philox import SYNTHETIC

Array = Any

STATIONS, FAULTS = 12, 12
EVENTS_PER_REGION = 8
KM_PER_DEGREE = 111.19
REGION, EVENT, NOISE, NETWORK_EVENT, NETWORK_STATION = range(5)  # which kind of stream
PN_DB = 26.0  # expected signal-to-noise ratio of S plus the size of Pn, dB: below it Pn would not be picked
SN = 0.3  # size of Sn in parts of the direct wave: a fainter one is hidden by the coda of P
EVENTS_FROM = datetime(2015, 1, 1)


@dataclass(frozen=True)
class Crust:
    """What lies between the earthquakes and the stations; the defaults are an average crust."""

    extent: float = 1.6  # of the region, degrees
    speed: float = 5.7  # of P near the surface, km/s; 0.9 more for long rays
    ratio: float = 1.73  # of the speeds of P and S
    quality: float = 450.0  # of S
    scatter: float = 1.0  # strength of what follows the direct waves
    tail: float = 4.5  # seconds in which the coda fades by 1/e
    crossover_km: float = 150.0  # from here on the wave along the mantle comes first
    deepest: float = 20.0  # km
    least_magnitude: float = 0.0
    b_value: float = 1.0
    picked_db: float = 34.0  # expected signal-to-noise ratio at which half of the windows are picked


@dataclass(frozen=True)
class Region:
    """A crust, its stations, and its faults as rows: latitude, longitude, strike in radians, half length in degrees."""

    crust: Crust
    stations: list[Station]
    faults: Array


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


def stream(seed: int, kind: int, number: int) -> np.random.Generator:
    """Random numbers for one purpose and one number only."""
    return np.random.Generator(np.random.Philox(key=[seed, SYNTHETIC], counter=[0, 0, kind, number]))


@lru_cache(maxsize=4)
def make_region(seed: int, number: int = 0, crust: Crust | None = None, stations: int = STATIONS) -> Region:
    """A region of its own for each number; crust: its stations and faults in this one."""
    rng = stream(seed, REGION, number)
    given = crust is not None
    crust = crust or make_crust(rng)
    corner = np.array([rng.uniform(-45, 60), rng.uniform(-180, 175)])
    sites = []
    for i in range(stations):
        latitude, longitude = np.round(rng.uniform(0, crust.extent, 2) + corner, 4).tolist()
        code = f"{number % 1000:03d}{i:02d}" if number else f"S{i:02d}"
        sites.append(make_station(rng, code, latitude, longitude))
    faults = np.stack(
        [
            *(rng.uniform(0, crust.extent, (FAULTS, 2)) + corner).T,
            rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.4, FAULTS),
            rng.uniform(0.01, 0.2, FAULTS) * crust.extent,
        ],
        axis=1,
    )
    region = Region(crust, sites, faults)
    return region if given else replace(region, crust=replace(crust, least_magnitude=_just_seen(rng, region)))


def _just_seen(rng: np.random.Generator, region: Region) -> float:
    """The magnitude from which on more than about one station in six picks an event."""
    event = make_event(rng, 0, region)
    for magnitude in np.arange(-1.5, 4.0, 0.25):
        expected_db = as_seen(replace(event, magnitude=float(magnitude)), region)[2]
        if np.mean(expected_db > region.crust.picked_db) > 1 / 6:
            break
    return float(magnitude)


def make_crust(rng: np.random.Generator) -> Crust:
    """Two regions in five are some km wide, one in seven some hundreds."""
    extent = rng.choice([rng.uniform(0.04, 0.3), rng.uniform(0.4, 2.0), rng.uniform(2.0, 3.2)], p=[0.42, 0.44, 0.14])
    deep = rng.random() < 0.2 and extent > 0.5
    return Crust(
        extent=extent,
        speed=rng.uniform(4.0, 5.8) if extent < 0.3 else rng.uniform(5.2, 6.3),
        ratio=float(np.clip(rng.normal(1.74, 0.07), 1.58, 2.1)),
        quality=10 ** rng.uniform(2.2, 3.3),
        scatter=rng.lognormal(0.0, 0.5),
        tail=10 ** rng.uniform(0.2, 1.0),
        crossover_km=rng.uniform(100.0, 200.0),
        deepest=rng.uniform(60.0, 160.0) if deep else min(rng.uniform(6.0, 35.0), 4 + 60 * extent),
        picked_db=rng.uniform(16.0, 38.0),
        b_value=rng.uniform(0.5, 1.0),
    )


def make_event(rng: np.random.Generator, number: int, region: Region) -> Event:
    """The next event of the catalogue, on one of the faults: log10 N(≥ M) = a − b M."""
    latitude, longitude, strike, half_length = region.faults[rng.integers(FAULTS)]
    along, off = rng.uniform(-half_length, half_length), rng.normal(0, 0.01, 2) * region.crust.extent
    return Event(
        name=f"sy{number:08d}",
        time=EVENTS_FROM + timedelta(seconds=900 * number + round(rng.uniform(0, 600), 2)),
        latitude=latitude + along * np.cos(strike) + off[0],
        longitude=longitude + along * np.sin(strike) / np.cos(np.radians(latitude)) + off[1],
        depth_km=rng.triangular(0.3, 0.35 * region.crust.deepest, region.crust.deepest),
        magnitude=region.crust.least_magnitude - np.log10(1 - rng.random() * (1 - 1e-5)) / region.crust.b_value,
        stress_drop=5e6 * rng.lognormal(0, 1.2),
        strike=strike + rng.normal(0, 0.3),
        dip=np.radians(min(rng.normal(70, 18), 90)),
        rake=np.radians(rng.choice([0, 90, 180, -90]) + rng.normal(0, 30)),
    )


def as_seen(event: Event, region: Region) -> tuple[Array, Array, Array]:
    """(epicentral distance in km, azimuth in radians, expected signal-to-noise ratio in dB) at each station."""
    latitude, longitude, kappa, size, accelerometer = np.array(
        [
            (s.latitude, s.longitude, s.kappa_s, s.amplification * s.gain / s.noise_level, s.accelerometer)
            for s in region.stations
        ]
    ).T
    north = (latitude - event.latitude) * KM_PER_DEGREE
    east = (longitude - event.longitude) * KM_PER_DEGREE * np.cos(np.radians(event.latitude))
    epicentral, azimuth = np.hypot(north, east), np.arctan2(east, north)
    distance = np.hypot(epicentral, event.depth_km)
    peak = peak_motion(event.moment, event.stress_drop, distance, kappa, region.crust.quality, accelerometer)
    return epicentral, azimuth, 20 * np.log10(peak * size)


def chance_of_a_pick(expected_db: Array, picked_db: float) -> Array:
    """The probability that an analyst picks an arrival of this expected signal-to-noise ratio."""
    return 1 / (1 + np.exp((picked_db - expected_db) / 4))


@dataclass(frozen=True)
class Travel:
    """Seconds from the origin to the first P and S. Where a wave along the mantle is first and can be seen: its size in
    parts of the direct wave, and how many seconds the direct wave comes later; 0 otherwise."""

    p: float
    s: float
    head_p: float = 0.0
    head_s: float = 0.0
    direct_p: float = 0.0
    direct_s: float = 0.0


def travel_times(
    rng: np.random.Generator,
    crust: Crust,
    station: Station,
    epicentral: float,
    depth_km: float,
    expected_db: float = 0.0,
) -> Travel:
    """Of a shallow earthquake's direct waves; beyond the crossover distance Pn and Sn lead, if they can be seen."""
    distance = float(np.hypot(epicentral, depth_km))
    speed = crust.speed + 0.9 * distance / (distance + 60)  # km/s: a long ray runs deeper and faster
    p, ratio = distance / speed, crust.ratio * rng.normal(1.0, 0.01)
    beyond = max(epicentral - crust.crossover_km, 0.0) if depth_km < 35 else 0.0
    lead = beyond * max(1 / speed - 1 / 8.05, 0.0)
    head_p, head_s = 10 ** rng.uniform(-1.0, -0.2, 2)
    if lead < 0.1 or expected_db + 20 * np.log10(head_p) < PN_DB:
        head_p = 0.0
    if lead < 0.1 or head_s < SN:
        head_s = 0.0
    lead_p, lead_s = lead * (head_p > 0), ratio * lead * (head_s > 0)
    site_p, site_s = station.delay_s, 1.8 * station.delay_s
    return Travel(p - lead_p + site_p, ratio * p - lead_s + site_s, head_p, head_s, lead_p, lead_s)
