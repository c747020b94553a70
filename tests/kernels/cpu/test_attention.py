"""Both ways to the scores: by factors where q and k are moderate, by tanhs where e²ᑫ e²ᵏ would overflow."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.attention import attention_forward
from minieqt.layers.attention import attention_forward as definition


@pytest.mark.parametrize("size", [1, 15, 25, 200])
def test_moderate_and_large_q_and_k(rng, size):
    """Opposite q and k of the given size, whose sums are of ordinary size."""
    x = np.concatenate([np.ones((2, 1, 47)), rng.normal(size=(2, 3, 47))], axis=1).astype(np.float32)
    Wt, Wx = (rng.normal(size=(4, 32)).astype(np.float32) for _ in range(2))
    Wt[0], Wx[0] = size, -size
    arrays = [x, Wt, Wx, *(rng.normal(size=shape).astype(np.float32) for shape in (32, (32, 1), 1))]
    y, a, _ = attention_forward(*arrays)
    right, weights, _ = definition(*(array.astype(np.float64) for array in arrays))
    np.testing.assert_allclose(y, right, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(a, weights, rtol=1e-3, atol=1e-3)
