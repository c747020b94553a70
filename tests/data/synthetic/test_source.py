"""The source and the path: the physics that a seismologist would check first."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.synthetic.source import (
    corner_frequency,
    half_frequency,
    low_frequency_level,
    peak_motion,
    radiation,
    spreading,
)


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


def test_an_accelerometer_feels_small_earthquakes_more():
    """Its peak over that of a seismometer is 2πf, and f falls with the moment."""
    ratios = [
        peak_motion(m, 3e6, 30.0, 0.03, accelerometer=True) / peak_motion(m, 3e6, 30.0, 0.03) for m in (1e11, 1e16)
    ]
    assert ratios[0] > 2 * ratios[1] > 2
