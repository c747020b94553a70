"""Batch normalisation: batch and running statistics, evaluation, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import TOLERANCE, assert_customs, assert_gradients, disturb

from minieqt.gradcheck import check_layer
from minieqt.layers.batchnorm import EPS, MOMENTUM, BatchNorm

SHAPES = [(2, 3, 5), (1, 2, 7), (4, 1, 3), (5, 2, 1), (1, 1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_forward_in_training(rng, shape):
    layer = disturb(BatchNorm(shape[1]), rng)
    x = 3 * rng.standard_normal(shape) + 5
    y = layer.forward(x)
    for c in range(shape[1]):
        values = x[:, c]
        variance = ((values - values.mean()) ** 2).sum() / values.size  # biased
        expected = layer.gamma[c] * (values - values.mean()) / np.sqrt(variance + 1e-3) + layer.beta[c]
        np.testing.assert_allclose(y[:, c], expected, rtol=0, atol=1e-12)


def test_running_statistics(rng):
    layer = BatchNorm(3)
    assert (EPS, MOMENTUM) == (1e-3, 0.99)
    mean, variance = np.zeros(3), np.ones(3)
    for _ in range(4):
        x = rng.normal([[[1.0], [2.0], [3.0]]], [[[0.5], [1.0], [2.0]]], (4, 3, 9))
        layer.forward(x)
        mean = 0.99 * mean + 0.01 * x.mean(axis=(0, 2))
        variance = 0.99 * variance + 0.01 * x.var(axis=(0, 2))
    np.testing.assert_allclose(layer.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(layer.variance, variance, rtol=1e-12)


def test_forward_in_evaluation(rng):
    """The running statistics count, they stay where they are, and a window does not depend on its batch."""
    layer = disturb(BatchNorm(3), rng).eval()
    layer.mean[...] = [1, 2, 3]
    layer.variance[...] = [0.5, 1, 2]
    x = rng.standard_normal((4, 3, 9))
    y = layer.forward(x)
    scale = layer.gamma / np.sqrt(np.array([0.5, 1, 2]) + 1e-3)
    expected = (x - np.array([1, 2, 3])[:, None]) * scale[:, None] + layer.beta[:, None]
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(layer.mean, [1, 2, 3])
    np.testing.assert_array_equal(layer.variance, [0.5, 1, 2])
    np.testing.assert_array_equal(layer.forward(x[1:2]), y[1:2])


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(rng, shape):
    assert_gradients(disturb(BatchNorm(shape[1]), rng), 2 * rng.standard_normal(shape) + 1, rng)


def test_customs(rng):
    assert_customs(disturb(BatchNorm(3), rng), rng.standard_normal((2, 3, 9)), rng)


def test_statistics_are_state_and_not_trained():
    layer = BatchNorm(3)
    assert list(layer.parameters()) == ["gamma", "beta"] and list(layer.state()) == ["mean", "variance"]
    assert layer.count_parameters() == (6, 6)


@pytest.mark.parametrize("shape", SHAPES)
def test_frozen(rng, shape):
    """It is in training what it is in evaluation, and so is its gradient; its statistics stay."""
    layer = disturb(BatchNorm(shape[1]), rng)
    layer.frozen = True
    layer.mean[...], layer.variance[...] = rng.standard_normal(shape[1]), rng.uniform(0.5, 2, shape[1])
    before, x = layer.variance.copy(), 2 * rng.standard_normal(shape) + 1
    assert check_layer(layer, x, rng)["x"] <= TOLERANCE
    y = layer.train().forward(x)
    np.testing.assert_array_equal(layer.eval().forward(x), y)
    np.testing.assert_array_equal(layer.variance, before)
