"""Stations and their noise."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.synthetic.background import background, white_spectrum
from minieqt.data.synthetic.station import FREQUENCY, make_station


@pytest.fixture
def stations(rng):
    return [make_station(rng, f"S{i:02d}", 36.0, -118.0) for i in range(12)]


def test_white_noise_has_deviation_one(rng):
    x = np.fft.irfft(white_spectrum(rng, 20), 2 * (len(FREQUENCY) - 1))
    assert x.dtype == np.float32
    np.testing.assert_allclose(x.std(), 1, rtol=0.02)
    kurtosis = np.mean(x**4) / np.mean(x**2) ** 2
    assert kurtosis == pytest.approx(3, abs=0.1)  # normal, whatever it was made of


def test_the_background_has_the_stations_level(stations, rng):
    for station in stations:
        spectra = np.fft.rfft([background(rng, station) for _ in range(20)])
        fast = np.fft.rfftfreq(6000, 0.01) > 1
        deviation = np.sqrt(2 * np.mean(np.sum(abs(spectra[..., fast]) ** 2, axis=-1))) / 6000
        assert deviation == pytest.approx(station.noise_level, rel=0.5)


def test_noise_is_coloured(stations, rng):
    """Neighbouring samples know each other, and every station sounds different."""
    correlations = []
    for station in stations:
        x = background(rng, station)[2]
        correlations.append(np.corrcoef(x[1:], x[:-1])[0, 1])
    assert max(correlations) > 0.8 and np.ptp(correlations) > 0.1
