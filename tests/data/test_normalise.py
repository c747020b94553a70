"""Zero mean and unit deviation, for counts of any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minieqt.data import open_dataset
from minieqt.data.normalise import normalise


@settings(deadline=None)
@given(
    size=st.floats(-25, 25).map(lambda e: 10**e),
    offset=st.floats(-1e4, 1e4),
    seed=st.integers(0, 2**32 - 1),
)
def test_mean_zero_deviation_one_whatever_the_unit(size, offset, seed):
    x = size * (np.random.default_rng(seed).standard_normal((2, 3, 500)) + offset)
    y = normalise(x.astype(np.float32))
    assert y.dtype == np.float32 and y.shape == x.shape
    np.testing.assert_allclose(y.mean(axis=-1, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(axis=-1, dtype=np.float64), 1, atol=1e-6)


def test_it_is_the_formula(rng):
    x = rng.standard_normal((3, 6000)) * 50 + 7
    expected = (x - x.mean(axis=-1, keepdims=True)) / x.std(axis=-1, keepdims=True)
    np.testing.assert_allclose(normalise(x), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1234567.1, 3e-15, 1e20])
def test_a_dead_component_becomes_zero_and_leaves_the_others_alone(rng, value, dtype):
    x = rng.standard_normal((3, 6000)).astype(dtype)
    alive = normalise(x)
    x[1] = value
    y = normalise(x)
    assert not y[1].any()
    np.testing.assert_array_equal(y[[0, 2]], alive[[0, 2]])


def test_whole_counts_become_floating(rng):
    assert normalise(rng.integers(-50, 50, (3, 6000)).astype(np.int16)).dtype == np.float32


def test_the_input_is_left_as_it_was(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    before = x.copy()
    normalise(x)
    np.testing.assert_array_equal(x, before)


def test_real_traces_with_dead_components_and_tiny_units(shared):
    with open_dataset(shared / "data/ncedc.hdf5", shared / "data/ncedc.csv") as dataset:
        for row in range(len(dataset)):
            x = dataset.read(row)
            alive = x.std(axis=-1, dtype=np.float64) > 0
            y = normalise(x)
            assert np.isfinite(y).all()
            np.testing.assert_allclose(y.std(axis=-1, dtype=np.float64), alive, atol=1e-4)
