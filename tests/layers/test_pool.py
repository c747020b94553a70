"""Max-pooling of pairs: odd lengths, negative values, ties, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients

from minieqt.layers.pool import MaxPool1D, maxpool1d_backward, maxpool1d_forward


@pytest.mark.parametrize("B, C, T", [(1, 1, 1), (2, 3, 8), (1, 2, 47), (3, 1, 375), (2, 2, 188)])
def test_forward(rng, B, C, T):
    x = rng.standard_normal((B, C, T)) - 3  # nearly all negative: a zero put in as padding would win
    y, _ = maxpool1d_forward(x)
    expected = [x[:, :, t : t + 2].max(axis=2) for t in range(0, T, 2)]
    np.testing.assert_array_equal(y, np.stack(expected, axis=2))
    assert y.shape == (B, C, (T + 1) // 2)


def test_last_sample_of_an_odd_length_stands_alone():
    y, cache = maxpool1d_forward(np.array([[[-3.0, -1.0, -5.0]]]))
    np.testing.assert_array_equal(y, [[[-1, -5]]])
    np.testing.assert_array_equal(maxpool1d_backward(np.array([[[2.0, 7.0]]]), cache), [[[0, 2, 7]]])


def test_a_tie_gives_the_gradient_to_the_first():
    _, cache = maxpool1d_forward(np.array([[[4.0, 4.0, 0.0, 0.0]]]))
    np.testing.assert_array_equal(maxpool1d_backward(np.array([[[1.0, 2.0]]]), cache), [[[1, 0, 2, 0]]])


@pytest.mark.parametrize("B, C, T", [(1, 1, 1), (2, 3, 8), (1, 2, 47), (2, 1, 5)])
def test_gradients(rng, B, C, T):
    assert_gradients(MaxPool1D(), rng.standard_normal((B, C, T)), rng)


def test_customs(rng):
    assert_customs(MaxPool1D(), rng.standard_normal((2, 3, 9)), rng)
