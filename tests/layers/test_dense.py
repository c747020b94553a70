"""The dense layer against a sum in loops, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.layers.conv1d import conv1d_forward
from minieqt.layers.dense import Dense, dense_forward

SHAPES = [(1, 1, 1, 1), (2, 3, 4, 5), (1, 4, 1, 47), (3, 1, 2, 6)]  # B, C, O, T


@pytest.mark.parametrize("B, C, O, T", SHAPES)
def test_forward(rng, B, C, O, T):
    x, W, b = rng.standard_normal((B, C, T)), rng.standard_normal((O, C)), rng.standard_normal(O)
    y, _ = dense_forward(x, W, b)
    for n, t in np.ndindex(B, T):
        np.testing.assert_allclose(y[n, :, t], W.dot(x[n, :, t]) + b, rtol=0, atol=1e-12)


def test_is_a_convolution_of_kernel_one(rng):
    x, W, b = rng.standard_normal((2, 3, 8)), rng.standard_normal((4, 3)), rng.standard_normal(4)
    np.testing.assert_allclose(dense_forward(x, W, b)[0], conv1d_forward(x, W[:, :, None], b)[0], rtol=1e-12)


@pytest.mark.parametrize("B, C, O, T", SHAPES)
def test_gradients(rng, B, C, O, T):
    assert_gradients(disturb(Dense(C, O, rng), rng), rng.standard_normal((B, C, T)), rng)


def test_customs(rng):
    assert_customs(disturb(Dense(3, 4, rng), rng), rng.standard_normal((2, 3, 9)), rng)
