"""Exercises of chapter 07."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close

RNG = np.random.default_rng(7)


def softmax_backward(answer: Any) -> None:
    """Return de."""
    e, da = RNG.standard_normal((2, 5)), RNG.standard_normal((2, 5))
    a = np.exp(e) / np.exp(e).sum(axis=-1, keepdims=True)
    found = np.asarray(answer(da, a))
    expect(not np.allclose(found, da * a), "all weights of a row share one sum: each of them feels it")
    expect_close(found, a * (da - (da * a).sum(axis=-1, keepdims=True)), "de")


def row_sum(answer: Any) -> None:
    """Return a number, at most one."""
    e = np.array([0.0, 1.0, 0.5, 17.0])
    everywhere, band = np.ones(4, bool), np.array([True, True, True, False])
    expect_close(answer(e, everywhere), 1 / (1 + 1e-7), "the sum without a band", rtol=1e-6)
    w = np.exp(e - 17)[:3].sum()
    found = answer(e, band)
    expect(not np.isclose(found, 1), "the maximum is taken over the whole row, before the band is cut out")
    expect_close(found, w / (w + 1e-7), "the sum with a band")


def tanh_of_pairs(answer: Any) -> None:
    """Return an array (T, T, U)."""
    u, v = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 3))
    found, right = np.asarray(answer(u, v)), np.tanh(u[:, None] + v[None])
    expect(found.shape == right.shape, f"it has shape {found.shape}, wanted {right.shape}")
    expect(not np.allclose(found, right.swapaxes(0, 1)), "u belongs to the first index, v to the second")
    expect_close(found, right, "the tanh of the pairs")


def knows_order(answer: Any) -> None:
    """Return True or False for a width."""
    expect(not answer(None), "global attention compares contents only: swapped steps give swapped outputs")
    expect(bool(answer(3)), "local attention knows who its neighbours are: swap two steps that are far apart")
