"""Samples of dropout, their mean and their spread."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.inference.monte_carlo import dropout_samples, mean_and_spread
from minieqt.model import EQTransformer

SHORT = 640


def test_samples_depend_on_seed_sample_and_window_alone():
    model = EQTransformer(length=SHORT).eval()
    x = np.random.default_rng(0).standard_normal((4, 3, SHORT)).astype(np.float32)
    whole = np.stack(list(dropout_samples(model, x, 3, seed=5, first=10)))
    assert whole.shape == (3, 4, 3, SHORT)
    np.testing.assert_allclose(whole[:, 2:], list(dropout_samples(model, x[2:], 3, seed=5, first=12)), atol=1e-6)
    assert np.abs(whole[0] - whole[1]).max() > 1e-4
    assert np.abs(whole - list(dropout_samples(model, x, 3, seed=6, first=10))).max() > 1e-4


def test_mean_and_spread_are_numpys():
    y = np.random.default_rng(0).random((7, 2, 3, 11))
    mean, spread = mean_and_spread(iter(y))
    np.testing.assert_allclose(mean, y.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(spread, y.std(axis=0), rtol=1e-12)


def test_equal_answers_have_no_spread():
    mean, spread = mean_and_spread([np.full(3, 0.1)] * 3)
    np.testing.assert_allclose(mean, 0.1)
    assert np.all(spread < 1e-8)


def test_no_answers():
    with pytest.raises(ValueError, match="no answers"):
        mean_and_spread([])
