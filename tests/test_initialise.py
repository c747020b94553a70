"""How the weights start."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.initialise import xavier_normal


@pytest.mark.parametrize(
    "shape, fan_in, fan_out", [((200, 300), 300, 200), ((64, 64, 7), 448, 448), ((2, 64, 500), 500, 64)]
)
def test_xavier_normal(rng, shape, fan_in, fan_out):
    weights = xavier_normal(rng, shape, fan_in, fan_out)
    sigma = np.sqrt(2 / (fan_in + fan_out))
    assert weights.shape == shape and weights.dtype == np.float64
    assert abs(weights.mean()) < 5 * sigma / np.sqrt(weights.size)
    assert weights.std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * weights.size))
    within = (abs(weights) < sigma).mean()
    assert within == pytest.approx(0.6827, abs=0.01)  # of a normal distribution, not of a uniform one


def test_same_seed_same_weights():
    first, again, other = (xavier_normal(np.random.default_rng(seed), (3, 4), 4, 3) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
