"""Stations: what their instruments let through."""

from __future__ import annotations

import numpy as np

from minieqt.data.synthetic.station import FREQUENCY, KINDS, make_station


def test_slow_records_hold_nothing_above_their_nyquist(rng):
    stations = [make_station(rng, "A", 0, 0) for _ in range(200)]
    assert {station.kind for station in stations} == set(KINDS)
    for station in stations:
        if station.kind == "BH":
            assert not station.response[:, FREQUENCY > 20].any()
    tops = [FREQUENCY[abs(station.instrument) > 0].max() for station in stations]
    assert min(tops) < 11 and max(tops) > 48


def test_an_accelerometer_grows_with_frequency(rng):
    stations = [make_station(rng, "A", 0, 0) for _ in range(60)]
    slopes = {}
    for station in stations:
        low, high = (abs(station.instrument[np.searchsorted(FREQUENCY, f)]) for f in (2.0, 6.0))
        slopes.setdefault(station.kind, []).append(high / low)
    assert np.median(slopes["HN"]) > 2.9 > 1.5 > np.median(slopes["HH"])


def test_noise_has_the_stations_level(rng):
    for _ in range(10):
        station = make_station(rng, "A", 0, 0)
        power = 2 * np.square(station.noise[:, FREQUENCY > 1]).sum(axis=1) / (2 * (len(FREQUENCY) - 1))
        np.testing.assert_allclose(np.sqrt(power), station.noise_level, rtol=0.01)
