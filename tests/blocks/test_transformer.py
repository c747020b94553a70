"""The transformer: wiring, normalised output, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.blocks.transformer import Transformer
from minieqt.philox import Randomness


def make(rng, channels, drop_rate=0.0):
    return disturb(Transformer(channels, rng, Randomness(11), drop_rate), rng, 0.1)


@pytest.mark.parametrize("drop_rate", [0.0, 0.4])
def test_wiring(rng, drop_rate):
    layer, x = make(rng, 4, drop_rate), rng.standard_normal((2, 4, 7))
    u = layer.norm1.forward(x + layer.attention.forward(x))
    expected = layer.norm2.forward(u + layer.feedforward.forward(u))
    np.testing.assert_array_equal(layer.forward(x), expected)
    assert layer.attention.width is None and layer.feedforward.wide.W.shape == (128, 4)


def test_output_is_normalised(rng):
    y = Transformer(16, rng, Randomness(0), 0.0).forward(5 * rng.standard_normal((2, 16, 47)))
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=1), 1, rtol=1e-9)


@pytest.mark.parametrize("drop_rate", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(2, 16, 5), (1, 4, 11), (1, 3, 1)])
def test_gradients(rng, shape, drop_rate):
    assert_gradients(make(rng, shape[1], drop_rate), rng.standard_normal(shape), rng, directions=5)


def test_customs(rng):
    assert_customs(make(rng, 4, 0.4), rng.standard_normal((2, 4, 9)), rng)
