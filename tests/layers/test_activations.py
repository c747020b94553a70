"""Activation functions: values, corners, extremes without a warning, and numerical gradients."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients

from minieqt.layers.activations import (
    GATES,
    HardSigmoid,
    ReLU,
    Sigmoid,
    Tanh,
    hard_sigmoid_backward,
    hard_sigmoid_forward,
    relu_backward,
    relu_forward,
    sigmoid_forward,
)

LAYERS = [ReLU, Sigmoid, Tanh, HardSigmoid]
DEFINITIONS = {
    ReLU: lambda x: x if x > 0 else 0.0,
    Sigmoid: lambda x: 1 / (1 + math.exp(-x)),
    Tanh: math.tanh,
    HardSigmoid: lambda x: min(max(0.2 * x + 0.5, 0.0), 1.0),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_forward(layer):
    x = np.linspace(-6, 6, 49)
    expected = [DEFINITIONS[layer](value) for value in x]
    np.testing.assert_allclose(layer().forward(x), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 47), (7,)])
def test_gradients(rng, layer, shape):
    """Values up to ±6 lie on every straight piece of hard_sigmoid; none of them within 1e-5 of a corner."""
    assert_gradients(layer(), rng.uniform(-6, 6, shape), rng)


@pytest.mark.parametrize("layer", LAYERS)
def test_customs(rng, layer):
    assert_customs(layer(), rng.standard_normal((2, 3, 5)), rng)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_of_extremes(dtype):
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        y = sigmoid_forward(np.array([-1000, -100, 0, 100, 1000], dtype))
    np.testing.assert_allclose(y, [0, 0, 0.5, 1, 1], rtol=0, atol=1e-30)
    assert y.dtype == dtype


def test_corners_of_hard_sigmoid():
    x = np.array([-1000, -2.5, -2.4, 0, 2.4, 2.5, 1000])
    y = hard_sigmoid_forward(x)
    np.testing.assert_allclose(y, [0, 0, 0.02, 0.5, 0.98, 1, 1], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(hard_sigmoid_backward(np.ones(7), y), [0, 0, 0.2, 0.2, 0.2, 0, 0])


def test_relu_has_no_gradient_at_zero():
    y = relu_forward(np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(relu_backward(np.ones(3), y), [0, 0, 1])


def test_the_gates_of_an_lstm_are_named():
    assert list(GATES) == ["sigmoid", "hard_sigmoid"]
