"""Additive attention against its equations in loops, global and local, and numerical gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.layers.attention import Attention, attention_band, attention_forward

WIDTHS = [None, 1, 2, 3, 4]
SHAPES = [(2, 3, 5), (1, 1, 7), (1, 2, 1), (3, 1, 2)]


def make(rng, channels, width=None, units=4, sharpness=1.0):
    """Attention whose e spread by a factor `sharpness`: far from uniform weights for large ones."""
    layer = disturb(Attention(channels, rng, units, width), rng)
    layer.Wa *= sharpness
    return layer


def equations(x, Wt, Wx, bh, Wa, ba, width, eps=1e-7):
    """One sequence x (C, T) -> y (C, T), a (T, T)."""
    T = x.shape[1]
    e, a = np.zeros((T, T)), np.zeros((T, T))
    for t, s in np.ndindex(T, T):
        e[t, s] = np.tanh(x[:, t] @ Wt + x[:, s] @ Wx + bh) @ Wa[:, 0] + ba[0]
    for t in range(T):
        keep = range(T) if width is None else range(max(t - width // 2, 0), min(t - width // 2 + width, T))
        w = {s: math.exp(e[t, s] - max(e[t])) for s in keep}
        for s in keep:
            a[t, s] = w[s] / (sum(w.values()) + eps)
    return np.stack([sum(a[t, s] * x[:, s] for s in range(T)) for t in range(T)], axis=1), a


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("sharpness", [1, 20])
@pytest.mark.parametrize("B, C, T", SHAPES)
def test_forward(rng, B, C, T, sharpness, width):
    layer, x = make(rng, C, width, sharpness=sharpness), rng.standard_normal((B, C, T))
    y = layer.forward(x)
    for n in range(B):
        expected, a = equations(x[n], layer.Wt, layer.Wx, layer.bh, layer.Wa, layer.ba, width)
        np.testing.assert_allclose(y[n], expected, rtol=0, atol=1e-12)
        np.testing.assert_allclose(layer.weights[n], a, rtol=0, atol=1e-12)


def test_band():
    def rows(T, width):
        return ["".join("x" if keep else "." for keep in row) for row in attention_band(T, width)]

    assert rows(4, 3) == ["xx..", "xxx.", ".xxx", "..xx"]
    assert rows(4, 2) == ["x...", "xx..", ".xx.", "..xx"]
    assert rows(3, 1) == ["x..", ".x.", "..x"]
    assert rows(2, None) == rows(2, 9) == ["xx", "xx"]


def test_weights_add_up_to_one(rng):
    layer = make(rng, 3)
    layer.forward(rng.standard_normal((2, 3, 47)))
    assert layer.weights.shape == (2, 47, 47) and (layer.weights >= 0).all()
    np.testing.assert_allclose(layer.weights.sum(axis=2), 1, rtol=0, atol=1e-7)


def test_local_weights_are_zero_outside_the_band(rng):
    layer = make(rng, 3, width=3)
    layer.forward(rng.standard_normal((2, 3, 47)))
    assert not layer.weights[:, ~attention_band(47, 3)].any()
    np.testing.assert_allclose(layer.weights.sum(axis=2), 1, rtol=0, atol=1e-5)


def test_a_band_far_below_the_maximum_fades(rng):
    """The row's maximum counts even where the band leaves it out, so such a row adds up to less than one."""
    layer = make(rng, 3, width=3, sharpness=60)
    layer.forward(rng.standard_normal((2, 3, 47)))
    total = layer.weights.sum(axis=2)
    assert (total < 0.5).any() and (total > 0.5).any() and (total <= 1).all()


def test_huge_scores_stay_finite(rng):
    layer = make(rng, 3, sharpness=1e6)
    y = layer.forward(rng.standard_normal((2, 3, 9)))
    assert np.isfinite(y).all() and np.isfinite(layer.backward(np.ones_like(y))).all()


def test_order_does_not_matter_to_global_attention(rng):
    """Without a band a step is known by its content alone: permuted input, permuted output."""
    layer, x = make(rng, 3), rng.standard_normal((1, 3, 9))
    order = rng.permutation(9)
    np.testing.assert_allclose(layer.forward(x)[:, :, order], layer.forward(x[:, :, order]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("B, C, T", SHAPES)
def test_gradients(rng, B, C, T, width):
    assert_gradients(make(rng, C, width), rng.standard_normal((B, C, T)), rng)


@pytest.mark.parametrize("width", WIDTHS)
def test_gradients_through_the_maximum(rng, width):
    """Scores so far apart that in some rows the maximum, outside the band, decides how much of it is left."""
    layer, x = make(rng, 3, width, sharpness=15), rng.standard_normal((2, 3, 9))
    assert_gradients(layer, x, rng)
    layer.forward(x)
    if width is not None:
        assert (layer.weights.sum(axis=2) < 0.999).any()


@pytest.mark.parametrize("width", [None, 3])
def test_another_eps(rng, width):
    """SeisBench's 1e-5 beside the sum: it matters where the sum is small."""
    layer, x = make(rng, 3, width, sharpness=15), rng.standard_normal((2, 3, 9))
    layer.eps = 1e-5
    y = layer.forward(x)
    for n in range(2):
        expected, _ = equations(x[n], layer.Wt, layer.Wx, layer.bh, layer.Wa, layer.ba, width, eps=1e-5)
        np.testing.assert_allclose(y[n], expected, rtol=0, atol=1e-12)
    assert_gradients(layer, x, rng)


def test_the_last_bias_has_no_gradient(rng):
    """ba is added to every e of a row, the maximum with them, and cancels."""
    layer = make(rng, 3, width=3, sharpness=15)
    y = layer.forward(rng.standard_normal((2, 3, 9)))
    layer.backward(rng.standard_normal(y.shape))
    assert abs(layer.dba[0]) < 1e-12 * abs(layer.dWa).max()


@pytest.mark.parametrize("width", [None, 3])
def test_customs(rng, width):
    assert_customs(make(rng, 3, width), rng.standard_normal((2, 3, 9)), rng)


def test_weights_are_kept_in_evaluation_too(rng):
    layer, x = make(rng, 3).eval(), rng.standard_normal((2, 3, 9))
    layer.forward(x)
    _, a, _ = attention_forward(x, layer.Wt, layer.Wx, layer.bh, layer.Wa, layer.ba)
    np.testing.assert_array_equal(layer.weights, a)
