"""A network with known earthquakes: picks with a little noise, of straight rays in a uniform half-space or as told."""

from __future__ import annotations

import numpy as np

from minieqt.catalogue.earthquake import earthquake
from minieqt.tables.picks import Onset

DAY = 1_562_198_400 * 10**9  # 2019-07-04
VP, VS = 6.0, 3.4


def stations(rng, count=12, elevation=500.0):
    """(latitude, longitude, elevation) of stations some tens of km apart."""
    return [(35.7 + dy, -117.5 + dx, elevation) for dx, dy in rng.uniform(-0.35, 0.35, (count, 2))]


def truth(rng, count=6):
    """(time in ns, latitude, longitude, depth) of earthquakes half a minute apart."""
    place = rng.uniform(-0.15, 0.15, (count, 2))
    return [
        (DAY + round(30e9 * n), 35.7 + dy, -117.5 + dx, depth)
        for n, ((dx, dy), depth) in enumerate(zip(place, rng.uniform(5, 12, count), strict=True))
    ]


def km(place, other):
    """Between two (latitude, longitude), on a plane."""
    return np.hypot(place[0] - other[0], (place[1] - other[1]) * np.cos(np.radians(35.7))) * 111.19


def straight(distance, depth, phase):
    """Seconds of a ray, km."""
    return np.hypot(distance, depth) / {"P": VP, "S": VS}[phase]


def picks(rng, places, earthquakes, noise=0.02, seconds=straight):
    """Onsets and where they were made, in order of time."""
    found = []
    for time, latitude, longitude, depth in earthquakes:
        for n, place in enumerate(places):
            distance = km((latitude, longitude), place)
            for phase in "PS":
                travelled = seconds(distance, depth + place[2] / 1000, phase)
                at = time + round(1e9 * (travelled + rng.normal(0, noise)))
                found.append((Onset("XX", f"ST{n:02}", phase, at), place))
    found.sort(key=lambda pair: pair[0].time)
    return [onset for onset, _ in found], [place for _, place in found]


def example(rng):
    """One earthquake with eight arrivals, not by an associator."""
    places = stations(rng, 4)
    onsets, where = picks(rng, places, [(DAY, 35.7, -117.5, 8.0)])
    members = [(onset, place, rng.normal(0, 0.1)) for onset, place in zip(onsets, where, strict=True)]
    return earthquake(DAY, 35.7, -117.5, 8.0, members)
