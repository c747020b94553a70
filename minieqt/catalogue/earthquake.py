"""An earthquake of several stations: where and when, and the arrivals that say so."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from obspy.geodetics import gps2dist_azimuth

from minieqt.records.stations import Place
from minieqt.tables.picks import Onset


@dataclass(frozen=True)
class Arrival:
    """A pick of an earthquake, where it was made, and by how much it is later than expected (s)."""

    onset: Onset
    place: Place
    residual: float
    distance: float  # km, along the surface
    azimuth: float  # degrees, from the epicentre to the station


@dataclass(frozen=True)
class Amplitude:
    """An earthquake's amplitude at a station, as a Wood-Anderson seismograph would have recorded it."""

    network: str
    station: str
    location: str
    band: str  # and instrument code: HH
    millimetres: float  # zero to peak, the mean of the horizontal components
    distance: float  # km to the hypocentre
    magnitude: float


@dataclass(frozen=True)
class Earthquake:
    """time in nanoseconds since 1970, degrees, depth in km below sea level; arrivals in order of time.

    amplitudes: of the stations that have one, where magnitudes were asked for.
    """

    time: int
    latitude: float
    longitude: float
    depth: float
    arrivals: tuple[Arrival, ...]
    amplitudes: tuple[Amplitude, ...] = ()

    @cached_property
    def magnitude(self) -> float | None:
        """Local magnitude, the stations' median."""
        return float(np.median([at.magnitude for at in self.amplitudes])) if self.amplitudes else None

    @cached_property
    def rms(self) -> float:
        """Root mean square of the residuals, s."""
        return float(np.sqrt(np.mean([arrival.residual**2 for arrival in self.arrivals])))

    @cached_property
    def stations(self) -> set[tuple[str, str]]:
        """(network, station) of its picks."""
        return {(arrival.onset.network, arrival.onset.station) for arrival in self.arrivals}

    @cached_property
    def gap(self) -> float:
        """The azimuthal gap, degrees: the widest angle at the epicentre without a station. Far above 180 is poor."""
        azimuths = np.sort(np.unique([arrival.azimuth for arrival in self.arrivals]))
        return float(np.diff(azimuths, append=azimuths[0] + 360).max())

    @cached_property
    def nearest(self) -> float:
        """km to the nearest station."""
        return min(arrival.distance for arrival in self.arrivals)

    def count(self, phase: str) -> int:
        """How many arrivals of a phase."""
        return sum(arrival.onset.phase == phase for arrival in self.arrivals)


def earthquake(
    time: int, latitude: float, longitude: float, depth: float, picks: list[tuple[Onset, Place, float]]
) -> Earthquake:
    """An Earthquake of picks (onset, place, residual in seconds), with their distances and azimuths."""
    arrivals = []
    for onset, place, residual in sorted(picks, key=lambda pick: (pick[0].time, pick[0].station, pick[0].phase)):
        metres, azimuth, _ = gps2dist_azimuth(latitude, longitude, place[0], place[1])
        arrivals.append(Arrival(onset, place, residual, metres / 1000, azimuth))
    return Earthquake(time, latitude, longitude, depth, tuple(arrivals))
