"""The branch of a phase: wiring, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.blocks.phase import PhaseBranch
from minieqt.philox import Randomness


def make(rng, length, drop_rate=0.0, gate="sigmoid"):
    return disturb(PhaseBranch(length, rng, Randomness(11), drop_rate, gate), rng, 0.1)


def test_wiring(rng):
    branch, x = make(rng, 256, 0.4), rng.standard_normal((2, 16, 2))
    expected = branch.decoder.forward(branch.attention.forward(branch.lstm.forward(x)))
    np.testing.assert_array_equal(branch.forward(x), expected)
    assert expected.shape == (2, 256)
    assert branch.attention.width == 3 and branch.lstm.U.shape == (1, 64, 16)


@pytest.mark.parametrize("gate", ["sigmoid", "hard_sigmoid"])
@pytest.mark.parametrize("B, T", [(2, 2), (1, 3)])
def test_gradients(rng, B, T, gate):
    assert_gradients(make(rng, 128 * T, 0.1, gate), rng.standard_normal((B, 16, T)), rng, directions=5)


def test_customs(rng):
    assert_customs(make(rng, 256, 0.4), rng.standard_normal((2, 16, 2)), rng)
