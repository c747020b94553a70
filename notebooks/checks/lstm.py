"""Exercises of chapter 06."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close
from course.gradients import Curves, expect_gradients

from minieqt.gradcheck import slope
from minieqt.layers.lstm import LSTM, lstm_forward
from minieqt.philox import Randomness

RNG = np.random.default_rng(6)


def remembered() -> tuple[Any, ...]:
    """x, W, U, b, a cotangent r, value(), and what the chapter's `memory` keeps of each step, for an LSTM."""
    x, W, U, b, r = (RNG.standard_normal(shape) for shape in ((2, 3, 7), (8, 3), (8, 2), (8,), (2, 2, 7)))

    def forward() -> Any:
        return lstm_forward(x, W[None], U[None], b[None])

    *_, gates, c, h = forward()[1]
    kept = []
    for t in range(x.shape[2]):
        i, f, g, o = np.split(gates[t, 0], 4, axis=1)
        kept.append((i, f, g, o, c[t + 1, 0], h[t + 1, 0], h[t, 0], c[t, 0]))
    return x, W, U, b, r, lambda: float((forward()[0] * r).sum()), kept


def memory_slopes(answer: Any) -> Curves:
    """Fill in dh_t, dc, dz's four blocks, and what goes to the step before."""
    x, W, U, b, r, value, kept = remembered()
    dx, dW, dU, db = answer(r, x, W, U, kept)
    return expect_gradients(value, {"x": (x, dx), "W": (W, dW), "U": (U, dU), "b": (b, db)})


def late_slopes(answer: Any) -> Curves:
    """Return dU and db."""
    _, _, U, b, r, value, kept = remembered()
    dU, db = answer(r, U, kept)
    return expect_gradients(value, {"U": (U, dU), "b": (b, db)})


def lstm_parameters(answer: Any) -> None:
    """Return a number of parameters."""
    for C, H, D in ((64, 16, 2), (16, 16, 1), (3, 2, 1)):
        right = LSTM(C, H, RNG, Randomness(0), directions=D).count_parameters()[0]
        found = answer(C, H, D)
        expect(found != right + 4 * H * D, "that is PyTorch's, with two biases; one is enough, they are added up")
        expect(4 * found != right, "there are four blocks: i, f, c and o")
        expect(found == right, f"for C = {C}, H = {H}, D = {D} there are {right:,} parameters, not {found:,}")


def half_life(answer: Any) -> None:
    """Return a number of steps."""
    expect_close(answer(0.5), 1.0, "the half-life of f = 0.5")
    expect_close(answer(0.95), np.log(0.5) / np.log(0.95), "the half-life of f = 0.95")


def recur_backward(answer: Any) -> None:
    """Return dw and du."""
    x, dh = RNG.standard_normal(6), RNG.standard_normal(6)
    w, u, start = np.array(0.7), np.array(-0.9), np.array(0.0)

    def states() -> Any:
        h, found = start, []
        for value in x:
            h = np.tanh(w * value + u * h)
            found.append(h)
        return np.array(found)

    h = states()
    dw, du = answer(dh, x, h, 0.7, -0.9)
    dw_right, du_right, dstart = (
        slope(lambda: float((states() * dh).sum()), array, np.array(1.0), 1e-5) for array in (w, u, start)
    )
    expect_close(dw, dw_right, "dw", rtol=1e-6)
    wrapped = du_right + dstart / u * h[-1]  # the first step's dz times the last state
    expect(not np.isclose(du, wrapped, rtol=1e-6), "before the first step the state is 0, but h[-1] is the last one")
    expect_close(du, du_right, "du", rtol=1e-6)
