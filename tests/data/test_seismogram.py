"""Synthetic earthquakes: the physics that a seismologist would check first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minieqt.data.background import make_station
from minieqt.data.seismogram import (
    Arrivals,
    corner_frequency,
    earthquake,
    half_frequency,
    low_frequency_level,
    peak_velocity,
    radiation,
    spreading,
)

ARRIVALS = Arrivals(
    p=700.0,
    s=1200.0,
    distance_km=40.0,
    azimuth=0.3,
    incidence=0.4,
    moment=1e12,
    stress_drop=3e6,
    radiation=(0.6, 0.4, -0.5),
)


@pytest.fixture
def station():
    """A broadband station that holds up to 48 Hz."""
    rng = np.random.default_rng(1)
    while (station := make_station(rng, "A", 36.0, -118.0)).kind != "HH":
        pass
    return station


def motion(station, seed=0, **changes):
    return earthquake(np.random.default_rng(seed), station, replace(ARRIVALS, **changes))


def test_radiation_has_the_known_mean_squares():
    """Averaged over the sphere, 4/15 for P and 2/5 for S (Aki and Richards 2002, table 9.1 gives the roots)."""
    rng = np.random.default_rng(0)
    azimuth, takeoff = rng.uniform(0, 2 * np.pi, 400000), np.arccos(rng.uniform(-1, 1, 400000))
    for strike, dip, rake in ((0.3, 1.2, 2.9), (1.0, 0.5, -1.5)):
        p, sv, sh = radiation(strike, dip, rake, azimuth, takeoff)
        assert np.mean(p**2) == pytest.approx(4 / 15, rel=0.01)
        assert np.mean(sv**2 + sh**2) == pytest.approx(2 / 5, rel=0.01)


def test_radiation_of_a_vertical_strike_slip_fault():
    """Pushed and pulled quadrants in the horizontal plane, no P along the fault where SH is largest."""
    quarter = np.pi / 4
    p, _, sh = radiation(0, np.pi / 2, 0, np.array([0, 1, 2, 3]) * quarter, np.full(4, np.pi / 2))
    np.testing.assert_allclose(p, [0, 1, 0, -1], atol=1e-12)
    np.testing.assert_allclose(abs(sh), [1, 0, 1, 0], atol=1e-12)


def test_source_and_path():
    assert corner_frequency(1e12, 3e6, "S") == pytest.approx(0.37 * 3500 * (16 * 3e6 / 7e12) ** (1 / 3))
    assert corner_frequency(1e15, 3e6, "S") == pytest.approx(corner_frequency(1e12, 3e6, "S") / 10)
    t_star = np.log(2) / (np.pi * half_frequency(50.0, 0.03, "S"))
    assert t_star == pytest.approx(0.03 + 50 / (3.5 * 450))
    np.testing.assert_allclose(spreading(np.array([40.0, 80.0, 320.0])), [1 / 40e3, 1 / 80e3, 0.5 / 80e3])
    ratio = low_frequency_level(1e12, 40.0, "S") / low_frequency_level(1e12, 40.0, "P")
    assert ratio == pytest.approx(1.73**3, rel=0.01)


def test_shape(station):
    x = motion(station)
    assert x.shape == (3, 6000) and x.dtype == np.float32 and np.isfinite(x).all()


def test_nothing_comes_before_p_and_s_stands_out(station):
    for seed in range(10):
        x = motion(station, seed)
        assert abs(x[:, :690]).max() < 2e-3 * abs(x[:, 700:1100]).max()
        assert abs(x[:2, 1200:1400]).max() > 1.5 * abs(x[:2, 900:1190]).max()


@pytest.mark.parametrize("sign", [1, -1])
def test_first_motion_is_up_and_away_or_down_and_back(station, sign):
    for seed in range(10):
        x = motion(station, seed, azimuth=0.0, radiation=(sign * 0.7, 0.4, 0.4), moment=1e13)
        start = x[:, 700:704].sum(axis=1)
        assert np.sign(start[2]) == sign  # vertical
        assert np.sign(start[1]) == sign  # away from the source: north
        assert abs(start[2]) > abs(start[0])


def test_p_is_vertical_and_s_horizontal(station):
    parts = np.mean([np.square(motion(station, seed)) for seed in range(20)], axis=0)
    p, s = parts[:, 700:760].mean(axis=1), parts[:, 1200:1300].mean(axis=1)
    assert p[2] > p[:2].max() and s[:2].min() > s[2]


def test_coda_decays(station):
    power = np.mean([np.square(motion(station, seed)).mean(axis=0) for seed in range(20)], axis=0)
    levels = power[1300:5900].reshape(-1, 460).mean(axis=1)
    assert (np.diff(levels) < 0).all() and levels[-1] < 1e-3 * levels[0]


def test_far_is_faint_and_low(station):
    near = [motion(station, seed, distance_km=20.0) for seed in range(5)]
    far = [motion(station, seed, distance_km=150.0) for seed in range(5)]
    assert np.std(far) < np.std(near) / 5
    f = np.fft.rfftfreq(6000, 0.01)

    def centre(windows):
        power = np.square(np.abs(np.fft.rfft(windows))).mean(axis=(0, 1))
        return (f * power).sum() / power.sum()

    assert centre(far) < 0.8 * centre(near)


def test_large_is_strong_and_low(station):
    small, large = (np.concatenate([motion(station, seed, moment=m) for seed in range(5)]) for m in (1e11, 1e15))
    assert large.std() > 30 * small.std()
    crossings = [np.mean(np.diff(np.sign(x[:, 1200:1600])) != 0) for x in (small, large)]
    assert crossings[1] < crossings[0]


def test_the_expected_peak_is_about_right(station):
    for moment, distance in ((1e11, 20.0), (1e13, 80.0), (1e15, 150.0)):
        peaks = [abs(motion(station, seed, moment=moment, distance_km=distance)[:2]).max() for seed in range(10)]
        expected = peak_velocity(moment, 3e6, distance, station.kappa_s) * station.gain * station.amplification
        assert 0.1 < np.median(peaks) / expected < 10
