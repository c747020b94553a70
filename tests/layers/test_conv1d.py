"""Convolution against its definition in loops, TensorFlow's 'same' for even kernels, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.layers.conv1d import Conv1D, conv1d_backward, conv1d_forward

# B, C, O, K, T: one of each, odd and even kernels, odd lengths, kernels longer than the signal
SHAPES = [
    (1, 1, 1, 1, 1),
    (2, 3, 4, 11, 13),
    (1, 1, 2, 2, 7),
    (3, 2, 1, 4, 5),
    (2, 1, 3, 7, 4),
    (1, 4, 2, 3, 47),
    (2, 2, 2, 6, 1),
]


def convolution(x, W, b):
    """y[n, o, t] = b[o] + Σ_c Σ_k W[o, c, k] x[n, c, t + k - left], as it is written."""
    (B, C, T), (O, _, K) = x.shape, W.shape
    left = (K - 1) // 2
    y = np.zeros((B, O, T))
    for n, o, t in np.ndindex(B, O, T):
        y[n, o, t] = b[o]
        for c, k in np.ndindex(C, K):
            if 0 <= t + k - left < T:
                y[n, o, t] += W[o, c, k] * x[n, c, t + k - left]
    return y


@pytest.mark.parametrize("B, C, O, K, T", SHAPES)
def test_forward(rng, B, C, O, K, T):
    x, W, b = rng.standard_normal((B, C, T)), rng.standard_normal((O, C, K)), rng.standard_normal(O)
    y, _ = conv1d_forward(x, W, b)
    np.testing.assert_allclose(y, convolution(x, W, b), rtol=0, atol=1e-12)


def test_even_kernel_reads_one_more_to_the_right():
    y, _ = conv1d_forward(np.array([[[1.0, 2.0, 3.0]]]), np.array([[[1.0, 10.0]]]), np.zeros(1))
    np.testing.assert_array_equal(y, [[[21, 32, 3]]])


def test_backward_is_the_transpose(rng):
    """Without its bias a convolution is linear in x and in W: <dy, y> = <dx, x> = <dW, W>."""
    x, W = rng.standard_normal((2, 3, 20)), rng.standard_normal((4, 3, 6))
    y, cache = conv1d_forward(x, W, np.zeros(4))
    dy = rng.standard_normal(y.shape)
    dx, dW, db = conv1d_backward(dy, cache)
    assert (dx * x).sum() == pytest.approx((dy * y).sum(), rel=1e-12)
    assert (dW * W).sum() == pytest.approx((dy * y).sum(), rel=1e-12)
    np.testing.assert_allclose(db, dy.sum(axis=(0, 2)), rtol=1e-12)


@pytest.mark.parametrize("B, C, O, K, T", SHAPES)
def test_gradients(rng, B, C, O, K, T):
    assert_gradients(disturb(Conv1D(C, O, K, rng), rng), rng.standard_normal((B, C, T)), rng)


def test_customs(rng):
    assert_customs(disturb(Conv1D(3, 4, 5, rng), rng), rng.standard_normal((2, 3, 9)), rng)


def test_start(rng):
    layer = Conv1D(64, 64, 5, rng, l2_kernel=1e-6, l1_bias=1e-4)
    assert layer.W.shape == (64, 64, 5) and layer.W.std() == pytest.approx(np.sqrt(2 / (2 * 64 * 5)), rel=0.02)
    assert not layer.b.any()
    assert layer.penalties == {"W": (0.0, 1e-6), "b": (1e-4, 0.0)}
