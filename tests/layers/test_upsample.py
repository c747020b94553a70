"""Repetition and cropping, and that their backwards are their transposes."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients

from minieqt.layers.upsample import Crop1D, UpSample1D

SHAPES = [(1, 1, 1), (2, 3, 4), (1, 2, 47)]


def test_forward():
    x = np.array([[[1.0, 2.0, 3.0]]])
    np.testing.assert_array_equal(UpSample1D().forward(x), [[[1, 1, 2, 2, 3, 3]]])
    np.testing.assert_array_equal(Crop1D(1, 0).forward(x), [[[2, 3]]])
    np.testing.assert_array_equal(Crop1D(0, 1).forward(x), [[[1, 2]]])
    np.testing.assert_array_equal(Crop1D(0, 0).forward(x), x)


def test_backward():
    np.testing.assert_array_equal(UpSample1D().backward(np.array([[[1.0, 2.0, 3.0, 4.0]]])), [[[3, 7]]])
    np.testing.assert_array_equal(Crop1D(2, 1).backward(np.array([[[1.0, 2.0]]])), [[[0, 0, 1, 2, 0]]])


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients(rng, shape):
    assert_gradients(UpSample1D(), rng.standard_normal(shape), rng)


@pytest.mark.parametrize("left, right", [(0, 0), (1, 1), (2, 0), (0, 3)])
def test_gradients_of_cropping(rng, left, right):
    assert_gradients(Crop1D(left, right), rng.standard_normal((2, 3, 7)), rng)


def test_customs(rng):
    assert_customs(UpSample1D(), rng.standard_normal((2, 3, 5)), rng, keeps=False)
    assert_customs(Crop1D(1, 1), rng.standard_normal((2, 3, 5)), rng, keeps=False)
