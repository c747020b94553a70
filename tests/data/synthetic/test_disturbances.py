"""What must not be picked."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.synthetic.disturbances import DISTURBANCES, disturb


@pytest.mark.parametrize("kind", dict.fromkeys(DISTURBANCES), ids=lambda kind: kind.__name__)
def test_every_disturbance_is_finite_and_about_one(kind):
    peaks = []
    for seed in range(30):
        y = kind(np.random.default_rng(seed))
        assert y.shape in {(6000,), (3, 6000)} and y.dtype == np.float32 and np.isfinite(y).all()
        peaks.append(abs(y).max())
    assert 0.3 < np.median(peaks) < 6


def test_a_disturbance_stands_out_of_the_noise(rng):
    quiet = rng.standard_normal((3, 6000)).astype(np.float32)
    ratios = [abs(disturb(rng, quiet, 1.0)).max() / abs(quiet).max() for _ in range(100)]
    assert np.median(ratios) > 2
    assert disturb(rng, quiet, 1.0).dtype == np.float32
