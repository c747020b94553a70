"""Winograd's matrices: what they compute is a convolution, and float32 is enough for it."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.polyphase.winograd import METHODS, winograd


@pytest.mark.parametrize(("outputs", "taps"), [(m.outputs, m.taps) for m in METHODS] + [(2, 2), (3, 2), (1, 4), (3, 6)])
def test_it_is_a_convolution(rng, outputs, taps):
    method = winograd(outputs, taps)
    d, g = rng.normal(size=outputs + taps - 1), rng.normal(size=taps)
    y = method.output @ ((method.kernel @ g) * (method.input @ d))
    np.testing.assert_allclose(y, np.correlate(d, g, "valid"), rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: f"F({method.outputs}, {method.taps})")
def test_rounding_in_float32(rng, method):
    """Nodes far from 1 cost digits: at most one of seven is given for fewer products."""
    n, r, C = method.outputs, method.taps, 16
    d, g = rng.normal(size=(n + r - 1, C, 1000)), rng.normal(size=(C, r))
    right = np.stack([np.einsum("kct,ck->t", d[i : i + r], g) for i in range(n)])
    Bt, G, At = (matrix.astype(np.float32) for matrix in method[2:])
    at_nodes = np.einsum("jk,kct->jct", Bt, d.astype(np.float32))
    y = At @ np.einsum("jc,jct->jt", G @ g.astype(np.float32).T, at_nodes)
    assert y.dtype == np.float32 and np.linalg.norm(y - right) <= 2e-6 * np.linalg.norm(right)
