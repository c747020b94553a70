"""Signal-to-noise ratio and coda as STEAD tells them."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.measures import coda_end, signal_to_noise


def test_signal_to_noise_is_steads_measure(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    x[:, 1200:1700] *= np.array([[10], [100], [1]], np.float32)
    expected = [
        10 * np.log10((np.percentile(abs(c[1200:1700]), 95) / np.percentile(abs(c[200:700]), 95)) ** 2) for c in x
    ]
    np.testing.assert_allclose(signal_to_noise(x, 700.0, 1200.0), expected, atol=0.2)
    x[1] = 0
    assert signal_to_noise(x, 700.0, 1200.0)[1] == 0
    assert np.isfinite(signal_to_noise(x, 300.0, 5900.0)).all()


@pytest.mark.parametrize("decay, snr", [(300, 100), (300, 10), (2000, 100)])
def test_the_coda_ends_where_the_power_is_twice_that_before_p(rng, decay, snr):
    t = np.arange(6000)
    envelope = np.where(t < 1000, 0, snr * np.exp(-np.maximum(t - 1500, 0) / decay))
    x = rng.standard_normal((3, 6000)) * np.sqrt(1 + envelope**2)
    expected = min(1500 + decay * np.log(snr), 5999)
    assert coda_end(x.astype(np.float32), 1000.0, 1500.0) == pytest.approx(expected, abs=0.5 * decay)


def test_a_coda_reaches_beyond_s_and_not_beyond_the_window(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    assert 1500 < coda_end(x, 1000.0, 1500.0) < 2500  # nothing but noise
    assert 5990 < coda_end(x, 5900.0, 5990.0) <= 5999
