"""The feed-forward part against its three layers, with dropout, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.layers.feedforward import FeedForward
from minieqt.philox import Randomness

SHAPES = [(2, 3, 5), (1, 4, 7), (3, 1, 4), (1, 2, 1)]


def make(rng, channels, drop_rate=0.0, units=6):
    return disturb(FeedForward(channels, units, rng, Randomness(11), drop_rate), rng)


@pytest.mark.parametrize("drop_rate", [0.0, 0.4])
def test_forward(rng, drop_rate):
    layer, x = make(rng, 3, drop_rate), rng.standard_normal((2, 3, 5))
    mask = layer.dropout.mask((2, 6, 5), x)
    mask = np.ones((2, 6, 5)) if mask is None else mask
    y = layer.forward(x)
    for n, t in np.ndindex(2, 5):
        hidden = np.maximum(layer.wide.W @ x[n, :, t] + layer.wide.b, 0) * mask[n, :, t]
        np.testing.assert_allclose(y[n, :, t], layer.narrow.W @ hidden + layer.narrow.b, rtol=0, atol=1e-12)


def test_evaluation_has_no_dropout(rng):
    layer, x = make(rng, 3, 0.4), rng.standard_normal((2, 3, 5))
    in_training = layer.forward(x)
    in_evaluation = layer.eval().forward(x)
    layer.dropout.rate = 0.0
    np.testing.assert_array_equal(in_evaluation, layer.train().forward(x))
    assert abs(in_training - in_evaluation).max() > 0.01


@pytest.mark.parametrize("drop_rate", [0.0, 0.4])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(rng, shape, drop_rate):
    assert_gradients(make(rng, shape[1], drop_rate), rng.standard_normal(shape), rng)


def test_customs(rng):
    assert_customs(make(rng, 3, 0.4), rng.standard_normal((2, 3, 9)), rng)
