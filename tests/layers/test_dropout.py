"""Dropout: how many values it drops, what it makes of the rest, and on what a mask depends and on what not."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients

from minieqt.layers.dropout import Dropout, SpatialDropout
from minieqt.philox import Randomness

BOTH = pytest.mark.parametrize("kind", [Dropout, SpatialDropout])


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_statistics(rate):
    shape = (100, 64, 47)
    y = Dropout(rate, Randomness(seed=1)).forward(np.ones(shape))
    assert set(np.unique(y)) == {0, 1 / (1 - rate)}
    dropped = (y == 0).mean()
    assert abs(dropped - rate) < 5 * np.sqrt(rate * (1 - rate) / y.size)  # five standard deviations


def test_neighbours_are_independent():
    y = Dropout(0.5, Randomness(seed=1)).forward(np.ones((100, 64, 47))) - 1
    for lag_product in (y[1:] * y[:-1], y[:, 1:] * y[:, :-1], y[:, :, 1:] * y[:, :, :-1]):
        assert abs(lag_product.mean()) < 5 / np.sqrt(lag_product.size)


def test_spatial_dropout_drops_whole_channels(rng):
    x = rng.standard_normal((200, 64, 5))
    y = SpatialDropout(0.1, Randomness(seed=1)).forward(x)
    factor = y / x
    np.testing.assert_allclose(factor, np.broadcast_to(factor[:, :, :1], factor.shape), rtol=1e-12)
    dropped = (y[:, :, 0] == 0).mean()
    assert abs(dropped - 0.1) < 5 * np.sqrt(0.09 / (200 * 64))


@BOTH
def test_backward_uses_the_mask_of_forward(rng, kind):
    layer = kind(0.5, Randomness(seed=1))
    x, dy = rng.standard_normal((2, 4, 6)), rng.standard_normal((2, 4, 6))
    mask = layer.forward(x) / x
    layer.randomness.step += 1  # another forward would have another mask
    np.testing.assert_allclose(layer.backward(dy), dy * mask, rtol=1e-12)


@BOTH
def test_a_sample_has_its_mask_however_the_batch_is_cut(kind):
    randomness = Randomness(seed=3, step=7)
    layer = kind(0.5, randomness)
    x = np.ones((10, 4, 9))
    whole = layer.forward(x)
    shards = []
    for first, last in ((0, 3), (3, 4), (4, 10)):
        randomness.first_sample = first
        shards.append(layer.forward(x[first:last]))
    np.testing.assert_array_equal(np.concatenate(shards), whole)


@BOTH
def test_on_what_a_mask_depends(kind):
    def mask(seed=3, step=7, stream=0, first_sample=0):
        randomness = Randomness(seed, step, first_sample)
        layer = [kind(0.5, randomness) for _ in range(stream + 1)][-1]
        return layer.forward(np.ones((4, 64, 8)))

    np.testing.assert_array_equal(mask(), mask())
    for change in ({"seed": 4}, {"step": 8}, {"stream": 1}, {"first_sample": 4}):
        assert (mask() != mask(**change)).mean() > 0.3, change


@BOTH
def test_evaluation_and_rate_zero_do_nothing(rng, kind):
    x = rng.standard_normal((2, 3, 5))
    assert kind(0.5, Randomness(0)).eval().forward(x) is x
    layer = kind(0.0, Randomness(0))
    assert layer.forward(x) is x and layer.backward(x) is x


@BOTH
@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 1, 7), (1, 4, 1)])
def test_gradients(rng, kind, shape):
    assert_gradients(kind(0.4, Randomness(5)), rng.standard_normal(shape), rng)


@BOTH
def test_customs(rng, kind):
    assert_customs(kind(0.4, Randomness(5)), rng.standard_normal((2, 3, 9)), rng)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0])
def test_impossible_rate(rate):
    with pytest.raises(ValueError, match="dropout rate"):
        Dropout(rate, Randomness(0))
