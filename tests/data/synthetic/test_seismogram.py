"""Synthetic earthquakes: the physics that a seismologist would check first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from minieqt.data.synthetic.region import Crust
from minieqt.data.synthetic.seismogram import Arrivals, earthquake
from minieqt.data.synthetic.source import peak_motion
from minieqt.data.synthetic.station import FREQUENCY, make_station

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
    """A broadband station on rock that holds up to 40 Hz and more."""
    rng = np.random.default_rng(1)
    while True:
        station = replace(make_station(rng, "A", 36.0, -118.0), softness=0.0, scatter=0.5, kappa_s=0.02)
        if station.kind == "HH" and abs(station.response[0, (FREQUENCY > 1) & (FREQUENCY < 40)]).min() > 0.9:
            return station


def motion(station, seed=0, **changes):
    return earthquake(np.random.default_rng(seed), station, replace(ARRIVALS, **changes), Crust())


def test_shape(station):
    x = motion(station)
    assert x.shape == (3, 6000) and x.dtype == np.float32 and np.isfinite(x).all()


def test_nothing_comes_before_p_and_s_stands_out(station):
    ratios = []
    for seed in range(20):
        x = motion(station, seed)
        before, peak = abs(x[:, :690]), abs(x[:, 700:760]).max()
        assert before[:, :600].max() < 1e-4 * peak  # nothing comes round from the end of the window
        assert before.max() < 2e-3 * peak  # far below any noise
        ratios.append(abs(x[:2, 1200:1400]).max() / abs(x[:2, 900:1190]).max())
    assert np.median(ratios) > 2


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
        expected = peak_motion(moment, 3e6, distance, station.kappa_s) * station.gain * station.amplification
        assert 0.1 < np.median(peaks) / expected < 10
