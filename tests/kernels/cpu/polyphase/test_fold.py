"""Folding: two kernels before upsampling do what one does after it, and gradients come back the same way."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.polyphase.fold import fold, folded_taps, unfold


@pytest.mark.parametrize("K", range(1, 14))
def test_even_and_odd_outputs(rng, K):
    begin, lag, taps = folded_taps(K)
    W, x = rng.normal(size=(2, K)), rng.normal(size=(2, 40))
    even, odd = np.empty((2, taps)), np.empty((2, taps))
    fold(W, begin, lag, even, odd)
    u, left, t = np.repeat(x, 2, axis=1), (K - 1) // 2, 20
    right = [np.sum(W * u[:, 2 * t + e - left : 2 * t + e - left + K]) for e in (0, 1)]
    reads = (even, t - begin), (odd, t - begin + lag)
    found = [np.sum(kernel * x[:, first : first + taps]) for kernel, first in reads]
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-12)
    assert even.any(axis=0)[0] and odd.any(axis=0)[0] and (even.any(axis=0)[-1] or odd.any(axis=0)[-1])  # no tap spare


@pytest.mark.parametrize("K", range(1, 14))
def test_unfolding_is_folding_transposed(rng, K):
    begin, lag, taps = folded_taps(K)
    W, dW, (d_even, d_odd) = rng.normal(size=(2, K)), np.empty((2, K)), rng.normal(size=(2, 2, taps))
    even, odd = np.empty((2, taps)), np.empty((2, taps))
    fold(W, begin, lag, even, odd)
    unfold(d_even, d_odd, begin, lag, dW)
    np.testing.assert_allclose(np.sum(W * dW), np.sum(even * d_even) + np.sum(odd * d_odd), rtol=1e-12)
