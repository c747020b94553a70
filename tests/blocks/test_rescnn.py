"""Residual blocks against their layers one by one, dropout, evaluation, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.blocks.rescnn import ResCNN, ResCNNBlock, ResCNNHalf
from minieqt.layers.activations import relu_forward
from minieqt.philox import Randomness

SHAPES = [(2, 3, 7), (1, 2, 5), (3, 1, 4), (1, 4, 1)]
KERNELS = pytest.mark.parametrize("kernel", [2, 3])
DROP_RATES = pytest.mark.parametrize("drop_rate", [0.0, 0.4])


def half(rng, channels, kernel=3, drop_rate=0.0):
    return disturb(ResCNNHalf(channels, kernel, rng, Randomness(11), drop_rate), rng)


def block(rng, channels, kernel=3, drop_rate=0.0):
    return disturb(ResCNNBlock(channels, kernel, rng, Randomness(11), drop_rate), rng)


@KERNELS
@DROP_RATES
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_half(rng, shape, kernel, drop_rate, training):
    layer, x = half(rng, shape[1], kernel, drop_rate), rng.standard_normal(shape)
    layer.norm.mean += 0.5
    layer.norm.variance *= 2
    layer.train(training)
    running = layer.norm.mean.copy()
    y = layer.forward(x)
    moved = layer.norm.mean.copy()
    expected = layer.conv.forward(layer.dropout.forward(relu_forward(layer.norm.forward(x))))
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-14)
    assert (moved != running).all() == training


def test_block_adds_to_its_input(rng):
    layer, x = block(rng, 3, drop_rate=0.4), rng.standard_normal((2, 3, 7))
    first, second = layer.halves
    y = layer.forward(x)
    np.testing.assert_allclose(y, x + second.forward(first.forward(x)), rtol=0, atol=1e-14)
    second.conv.W[...] = second.conv.b[...] = 0
    np.testing.assert_array_equal(layer.forward(x), x)


@KERNELS
@DROP_RATES
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_of_a_half(rng, shape, kernel, drop_rate):
    assert_gradients(half(rng, shape[1], kernel, drop_rate), rng.standard_normal(shape), rng)


@KERNELS
@DROP_RATES
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_of_a_block(rng, shape, kernel, drop_rate):
    assert_gradients(block(rng, shape[1], kernel, drop_rate), rng.standard_normal(shape), rng)


@pytest.mark.parametrize("drop_rate", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(2, 4, 9), (1, 8, 47)])
def test_gradients(rng, shape, drop_rate):
    rescnn = disturb(ResCNN(shape[1], rng, Randomness(11), drop_rate), rng, 0.1)
    assert [layer.halves[0].conv.W.shape[2] for layer in rescnn.blocks] == [3, 3, 3, 3, 2, 3, 2]
    assert_gradients(rescnn, rng.standard_normal(shape), rng, directions=5)


def test_customs(rng):
    assert_customs(half(rng, 3, drop_rate=0.4), rng.standard_normal((2, 3, 9)), rng)
    assert_customs(block(rng, 3, drop_rate=0.4), rng.standard_normal((2, 3, 9)), rng)
    assert_customs(ResCNN(3, rng, Randomness(11), 0.1), rng.standard_normal((2, 3, 9)), rng)
