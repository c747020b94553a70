"""A chain gives the same bits in whatever order its windows are done."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.conv.backward import chain_backward
from kernels.cpu.conv.epilogue import PLAIN, POOL, RELU
from kernels.cpu.conv.forward import chain_forward, whole_windows
from minieqt.layers import conv1d


@pytest.mark.parametrize("keep", [True, False])
def test_windows_alone_or_together(rng, keep):
    epilogues, sizes, C = (POOL, RELU, PLAIN), ((20, 7), (9, 5), (1, 11)), 3
    Ws, bs = [], []
    for O, K in sizes:
        Ws.append(rng.normal(size=(O, C, K)).astype(np.float32))
        bs.append(rng.normal(size=O).astype(np.float32))
        C = O
    x = rng.normal(size=(32, 3, 1000)).astype(np.float32)
    assert whole_windows(32, 2) and not whole_windows(1, 2) and not whole_windows(5, 2)
    run = lambda x, keep: chain_forward(epilogues, x, tuple(Ws), tuple(bs), (500, 500, 500), keep)[0]  # noqa: E731
    together = run(x, True)
    for windows in (slice(0, 1), slice(2, 5), slice(7, 12), slice(0, 32)):
        assert np.array_equal(run(x[windows], keep), together[windows])


def test_no_window_at_all():
    """A rank whose share of a batch is empty."""
    W, b = np.ones((5, 3, 7), np.float32), np.ones(5, np.float32)
    y, kept = chain_forward((POOL,), np.empty((0, 3, 47), np.float32), (W,), (b,), (24,))
    dx, (dW,), (db,) = chain_backward(y, kept)
    assert y.shape == (0, 5, 24) and dx.shape == (0, 3, 47)
    assert dW.shape == W.shape and not dW.any() and not db.any()


@pytest.mark.parametrize("K", [31, 32, 33, 50])
def test_long_kernels(rng, K):
    x, W, b = rng.normal(size=(2, 3, 100)), rng.normal(size=(4, 3, K)), rng.normal(size=4)
    dy, found = rng.normal(size=(2, 4, 100)), []
    for dtype in (np.float64, np.float32):
        y, cache = conv1d.conv1d_forward(x.astype(dtype), W.astype(dtype), b.astype(dtype))
        found.append((y, *conv1d.conv1d_backward(dy.astype(dtype), cache)))
    for right, fast in zip(*found, strict=True):
        assert fast.dtype == np.float32 and np.linalg.norm(fast - right) <= 1e-5 * np.linalg.norm(right)
