"""exp, tanh, sigmoid and log1p of float32 against NumPy's in float64, over their whole range."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from kernels.cpu.simd import elementary

SMALL = np.logspace(-8, 0, 2001)
EVERYWHERE = np.concatenate([np.linspace(-100, 100, 200001), SMALL, -SMALL]).astype(np.float32)


def over_all(function, x):
    @njit(fastmath=True, error_model="numpy")
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    y = np.empty_like(x)
    loop(x, y)
    return y


@pytest.mark.parametrize(
    "name, definition, first, last",
    [
        ("exp", np.exp, -87, 88),
        ("tanh", np.tanh, -100, 100),
        ("log1p_unit", np.log1p, 0, 1),
    ],
)
def test_relative_error(name, definition, first, last):
    x = EVERYWHERE[(EVERYWHERE >= first) & (EVERYWHERE <= last)]
    expected = definition(x.astype(np.float64))
    error = np.abs(over_all(getattr(elementary, name), x) - expected)
    assert (error <= 4e-7 * np.abs(expected)).all()


def test_sigmoid():
    expected = 0.5 * (1 + np.tanh(0.5 * EVERYWHERE.astype(np.float64)))
    assert np.abs(over_all(elementary.sigmoid, EVERYWHERE) - expected).max() < 2e-7


def test_exp_of_very_negative_numbers_is_harmless():
    y = over_all(elementary.exp, np.array([-1e4, -88], np.float32))
    assert (y >= 0).all() and (y < 1e-37).all()


def test_power_of_two_in_python_and_compiled():
    n = np.arange(-126, 128).astype(np.float32)
    assert np.array_equal(over_all(elementary.power_of_two, n), np.exp2(n.astype(np.float64)).astype(np.float32))
    assert elementary.power_of_two(np.float32(-3)) == 0.125
