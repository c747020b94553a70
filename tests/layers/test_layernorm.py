"""Layer normalisation over channels: its definition, constant steps, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.layers.layernorm import LayerNorm

SHAPES = [(2, 3, 5), (1, 16, 7), (3, 1, 4), (1, 5, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_forward(rng, shape):
    layer = disturb(LayerNorm(shape[1]), rng)
    x = 3 * rng.standard_normal(shape) + 5
    y = layer.forward(x)
    for n, t in np.ndindex(shape[0], shape[2]):
        values = x[n, :, t]
        x_hat = (values - values.mean()) / np.sqrt(values.var() + 1e-14)
        np.testing.assert_allclose(y[n, :, t], layer.gamma * x_hat + layer.beta, rtol=0, atol=1e-12)


def test_every_step_by_itself(rng):
    x = rng.standard_normal((2, 4, 6))
    y = LayerNorm(4).forward(x)
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(LayerNorm(4).forward(x[:1, :, 2:3]), y[:1, :, 2:3])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_channels_give_beta(dtype):
    """Zero minus its mean over nearly nothing: no NaN, and no gradient that is not a number."""
    layer = LayerNorm(4)
    layer.pack(dtype)
    layer.beta[...] = [1, 2, 3, 4]
    y = layer.forward(np.full((2, 4, 3), 8, dtype))
    np.testing.assert_array_equal(y, np.broadcast_to(layer.beta[:, None], y.shape))
    assert np.isfinite(layer.backward(np.ones((2, 4, 3), dtype))).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(rng, shape):
    assert_gradients(disturb(LayerNorm(shape[1]), rng), 2 * rng.standard_normal(shape) + 1, rng)


def test_customs(rng):
    assert_customs(disturb(LayerNorm(3), rng), rng.standard_normal((2, 3, 9)), rng)
