"""Exercises of chapter 07."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close
from course.gradients import Curves, expect_gradients

from minieqt.layers.attention import attention_band, attention_forward

RNG = np.random.default_rng(7)


def score_slopes(answer: Any) -> Curves:
    """Fill in the slope of the softmax, and what the maximum loses."""
    e, r, band = 9 * RNG.standard_normal((2, 6, 6)), RNG.standard_normal((2, 6, 6)), attention_band(6, 3)

    def weights() -> Any:
        w = np.exp(e - e.max(axis=2, keepdims=True)) * band
        return w / (w.sum(axis=2, keepdims=True) + 1e-7)

    return expect_gradients(lambda: float((weights() * r).sum()), {"e": (e, answer(r, weights(), e))})


def attend_slopes(answer: Any) -> Curves:
    """Return dx, dWt, dWx, dbh, dWa and dba."""
    x, r = RNG.standard_normal((2, 3, 6)), RNG.standard_normal((2, 3, 6))
    arrays = [RNG.standard_normal(shape) for shape in ((3, 5), (3, 5), (5,), (5, 1), (1,))]
    _, _, (*_, h, e, a) = attention_forward(x, *arrays)
    Wt, Wx, bh, Wa, _ = arrays
    dx, dWt, dWx, dbh, dWa, _ = answer(r, x, Wt, Wx, Wa, h, e, a)
    claims = {"x": (x, dx), "Wt": (Wt, dWt), "Wx": (Wx, dWx), "bh": (bh, dbh), "Wa": (Wa, dWa)}
    return expect_gradients(lambda: float((attention_forward(x, *arrays)[0] * r).sum()), claims)


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
