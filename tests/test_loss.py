"""Binary cross-entropy: its definition, extremes without a warning, and its gradient."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from minieqt.data.labels import UNLABELLED
from minieqt.gradcheck import compare
from minieqt.loss import WEIGHTS, cross_entropy_backward, cross_entropy_forward

SHAPES = [(1, 1), (2, 7), (3, 47), (1, 375)]


@pytest.mark.parametrize("shape", SHAPES)
def test_forward(rng, shape):
    z, y = 3 * rng.standard_normal(shape), rng.uniform(size=shape)
    p = 1 / (1 + np.exp(-z))
    assert cross_entropy_forward(z, y) == pytest.approx((-y * np.log(p) - (1 - y) * np.log(1 - p)).mean(), rel=1e-12)


def test_known_values():
    zero = np.zeros((1, 4))
    assert cross_entropy_forward(zero, np.array([[0, 1, 0.5, 0.2]])) == pytest.approx(math.log(2))
    np.testing.assert_allclose(
        cross_entropy_backward(zero, np.array([[0, 1, 0.5, 0.2]]), 1.0), [[0.125, -0.125, 0, 0.075]]
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient(rng, shape):
    z, y = 3 * rng.standard_normal(shape), rng.uniform(size=shape)
    gradient = cross_entropy_backward(z, y, 0.4)
    errors = compare(lambda: 0.4 * cross_entropy_forward(z, y), {"z": (z, gradient)}, rng)
    assert errors["z"] <= 1e-6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extremes(dtype):
    """A wrong answer costs its logit, a right one nothing, and nothing overflows."""
    z = np.array([[-1e4, -1e4, 1e4, 1e4]], dtype)
    y = np.array([[0, 1, 0, 1]], dtype)
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        loss = cross_entropy_forward(z, y)
        gradient = cross_entropy_backward(z, y, 1.0)
    assert loss == 5000.0
    # The kernel's probability is right to half a unit in the last place of one: AVX-512 divides by a reciprocal.
    np.testing.assert_allclose(gradient, [[0, -0.25, 0.25, 0]], rtol=0, atol=0.25 * np.finfo(dtype).eps / 2)
    assert gradient.dtype == dtype


@pytest.mark.parametrize("shape", SHAPES)
def test_where_nobody_looked_there_is_no_loss_and_no_gradient(rng, shape):
    z, y = 3 * rng.standard_normal(shape), rng.uniform(size=shape)
    unlabelled = rng.uniform(size=shape) < 0.4
    masked = np.where(unlabelled, UNLABELLED, y)
    p = 1 / (1 + np.exp(-z))
    losses = -y * np.log(p) - (1 - y) * np.log(1 - p)
    assert cross_entropy_forward(z, masked) == pytest.approx(losses[~unlabelled].sum() / z.size, rel=1e-12)
    gradient = cross_entropy_backward(z, masked, 0.4)
    assert not gradient[unlabelled].any()
    np.testing.assert_array_equal(gradient[~unlabelled], cross_entropy_backward(z, y, 0.4)[~unlabelled])
    errors = compare(lambda: 0.4 * cross_entropy_forward(z, masked), {"z": (z, gradient)}, rng)
    assert errors["z"] <= 1e-6


def test_mean_is_taken_in_float64(rng):
    """A million terms in float32 keep seven digits."""
    z, y = rng.standard_normal((10, 100_000)), np.zeros((10, 100_000))
    z32 = z.astype("float32")
    assert isinstance(cross_entropy_forward(z32, y.astype("float32")), float)
    assert cross_entropy_forward(z32, y.astype("float32")) == pytest.approx(cross_entropy_forward(z, y), rel=1e-7)


def test_weights():
    assert WEIGHTS == (0.05, 0.40, 0.55)
