"""Exercises of chapter 02."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close
from course.gradients import Curves, expect_gradients

from minieqt.layers.conv1d import conv1d_forward

RNG = np.random.default_rng(2)


def through_tanh(K: int) -> tuple[Any, ...]:
    """x, W, b, the dy that tanh sends back, and value() for a convolution of K taps with a tanh behind it."""
    x, W, b, r = (RNG.standard_normal(shape) for shape in ((2, 3, 9), (4, 3, K), (4,), (2, 4, 9)))

    def output() -> Any:
        return np.tanh(conv1d_forward(x, W, b)[0])

    return x, W, b, r * (1 - output() ** 2), lambda: float((output() * r).sum())


def conv_slopes(answer: Any) -> Curves:
    """Fill in the two lines of the loop."""
    for K in (4, 5):
        x, W, b, dy, value = through_tanh(K)
        dx, dW, db = answer(dy, x, W)
        curves = expect_gradients(value, {"x": (x, dx), "W": (W, dW), "b": (b, db)})
    return curves


def cropped_slopes(answer: Any) -> Curves:
    """Return dx, for an odd and for an even number of taps."""
    for K in (5, 4):
        x, W, _, dy, value = through_tanh(K)
        curves = expect_gradients(value, {f"x for {K} taps": (x, answer(dy, x, W))})
    return curves


def receptive_field(answer: Any) -> None:
    """Return a number of samples."""
    expect(answer([11]) == 11, f"one kernel of 11 taps sees 11 samples, not {answer([11])}")
    found = answer([11, 9, 7])
    expect(found != 27, "27 counts the centre three times: a layer adds one less than its taps")
    expect(found == 25, f"kernels of 11, 9 and 7 taps see 25 samples, not {found}")
    expect(answer([2, 2, 2, 2]) == 5, "four kernels of two taps see 5 samples")


def multiplications(answer: Any) -> None:
    """Return a number of multiplications."""
    expect(answer(3, 8, 11, 6000) != 2 * 3 * 8 * 11 * 6000, "that counts the additions, too")
    expect(answer(3, 8, 11, 6000) == 3 * 8 * 11 * 6000, "C, O, K and T each run through a loop of their own")
    expect(answer(64, 64, 3, 94) == 64 * 64 * 3 * 94, "C, O, K and T each run through a loop of their own")


def as_matrix(answer: Any) -> None:
    """Return a (T, T) matrix."""
    for K, T in ((3, 6), (4, 7), (5, 3)):
        w, x = RNG.standard_normal(K), RNG.standard_normal(T)
        found = np.asarray(answer(w, T))
        expect(found.shape == (T, T), f"for T = {T} the matrix has shape {found.shape}")
        right = conv1d_forward(x[None, None], w[None, None], np.zeros(1))[0][0, 0]
        expect(not np.allclose(found.T @ x, right) or np.allclose(found, found.T), "that is the transpose: M[t, s]")
        expect_close(found @ x, right, f"M x for {K} taps and T = {T}")


def dilated(answer: Any) -> None:
    """Return an array (B, O, T)."""
    x, W = RNG.standard_normal((2, 3, 20)), RNG.standard_normal((4, 3, 5))
    expect_close(answer(x, W, 1), conv1d_forward(x, W, np.zeros(4))[0], "y for d = 1")
    for d in (2, 3):
        spread = np.zeros((4, 3, 4 * d + 1))
        spread[:, :, ::d] = W
        expect_close(answer(x, W, d), conv1d_forward(x, spread, np.zeros(4))[0], f"y for d = {d}")
