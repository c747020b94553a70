"""Sequences side by side in lanes do not see each other, and lanes without a sequence change nothing."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.lstm import lstm_backward, lstm_forward
from kernels.cpu.simd.tile import LANES


@pytest.mark.parametrize("batch", [1, LANES, LANES + 1])
def test_a_batch_is_its_sequences_one_by_one(rng, batch):
    x, dh = (rng.normal(size=(batch, size, 9)).astype(np.float32) for size in (3, 10))
    arrays = [rng.normal(size=(2, 20, *shape)).astype(np.float32) for shape in ((3,), (5,), ())]
    h, cache = lstm_forward(x, *arrays)
    dx, *gradients = lstm_backward(dh, cache)
    totals = [0, 0, 0]
    for n in range(batch):
        one, cache = lstm_forward(x[n : n + 1], *arrays)
        done, *parts = lstm_backward(dh[n : n + 1], cache)
        assert np.array_equal(h[n], one[0]) and np.array_equal(dx[n], done[0])
        totals = [total + part for total, part in zip(totals, parts, strict=True)]
    for gradient, total in zip(gradients, totals, strict=True):
        np.testing.assert_allclose(gradient, total, rtol=1e-4, atol=1e-4)


def test_backward_leaves_its_cache_alone(rng):
    x, dh = (rng.normal(size=(2, size, 9)).astype(np.float32) for size in (3, 5))
    _, cache = lstm_forward(x, *(rng.normal(size=(1, 20, *shape)).astype(np.float32) for shape in ((3,), (5,), ())))
    for first, second in zip(lstm_backward(dh, cache), lstm_backward(dh, cache), strict=True):
        assert np.array_equal(first, second)
