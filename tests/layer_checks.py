"""What every layer and block must keep: its gradients, and the customs of the house."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.gradcheck import check_layer

TOLERANCE = 1e-6


def disturb(layer, rng, size=0.3):
    """Add random numbers to every parameter, so that no bias is zero and no scale is one, and nothing cancels."""
    for array in layer.parameters().values():
        array += size * rng.standard_normal(array.shape)
    return layer


def assert_gradients(layer, x, rng, directions=None):
    """The gradients of every parameter and of x agree with numerical ones in float64."""
    errors = check_layer(layer, x, rng, directions)
    assert errors.keys() == layer.parameters().keys() | {"x"}
    dx = layer.backward(rng.standard_normal(layer.forward(x).shape))
    assert dx.any() or any(gradient.any() for gradient in layer.gradients().values()), "all zero: nothing was checked"
    worst = max(errors, key=errors.__getitem__)
    assert errors[worst] <= TOLERANCE, f"{worst}: relative error {errors[worst]:.1e}"


def assert_customs(layer, x, rng, keeps=True):
    """A layer leaves x and dy alone, adds up parameter gradients, and keeps float32; it must run forward first.

    `keeps=False` for a layer whose backward needs nothing of its forward.
    """
    if keeps:
        with pytest.raises(RuntimeError, match="needs a forward in training mode"):
            layer.backward(x)

    x_before = x.copy()
    y = layer.forward(x)
    dy = rng.standard_normal(y.shape)
    dy_before = dy.copy()
    layer.zero_gradients()
    dx = layer.backward(dy)
    assert dx.shape == x.shape
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dy, dy_before)

    once = {name: gradient.copy() for name, gradient in layer.gradients().items()}
    np.testing.assert_array_equal(layer.forward(x), y)
    np.testing.assert_array_equal(layer.backward(dy), dx)
    for name, gradient in layer.gradients().items():
        np.testing.assert_allclose(gradient, 2 * once[name], rtol=1e-12, atol=1e-12, err_msg=name)

    layer.eval()
    layer.forward(x)
    if keeps:
        with pytest.raises(RuntimeError, match="needs a forward in training mode"):
            layer.backward(dy)
    layer.train()

    layer.pack(np.float32)
    assert layer.forward(x.astype("float32")).dtype == np.float32
    assert layer.backward(dy.astype("float32")).dtype == np.float32
    arrays = layer.parameters() | layer.gradients() | layer.state()
    assert {array.dtype for array in arrays.values()} <= {np.dtype(np.float32)}
