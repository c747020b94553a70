"""Stations and their noise."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.background import DISTURBANCES, FREQUENCY, background, disturb, make_station, white_spectrum


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


def test_broadband_at_40_hz_holds_nothing_above_its_nyquist(rng):
    kinds = {station.kind: station for station in (make_station(rng, "A", 0, 0) for _ in range(60))}
    assert set(kinds) == {"HH", "EH", "BH"}
    for kind, top in (("BH", 18), ("HH", 48)):
        assert not kinds[kind].response[FREQUENCY > top].any()
        assert abs(kinds[kind].response[(FREQUENCY > 5) & (FREQUENCY < 0.8 * top)]).min() > 0.9


@pytest.mark.parametrize("kind", DISTURBANCES, ids=lambda kind: kind.__name__)
def test_every_disturbance_is_finite_and_about_one(kind):
    peaks = []
    for seed in range(30):
        y = kind(np.random.default_rng(seed))
        assert y.shape == (6000,) and np.isfinite(y).all()
        peaks.append(abs(y).max())
    assert 0.3 < np.median(peaks) < 6


def test_a_disturbance_stands_out_of_the_noise(rng):
    quiet = rng.standard_normal((3, 6000)).astype(np.float32)
    ratios = [abs(disturb(rng, quiet, 1.0)).max() / abs(quiet).max() for _ in range(100)]
    assert np.median(ratios) > 2
    assert disturb(rng, quiet, 1.0).dtype == np.float32
