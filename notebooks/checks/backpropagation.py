"""Exercises of chapter 01."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close
from course.gradients import Curves, expect_gradients

RNG = np.random.default_rng(1)


def dense_slopes(answer: Any) -> Curves:
    """Fill in dx and dW."""
    x, W, b, r = (RNG.standard_normal(shape) for shape in ((2, 3, 4), (5, 3), (5,), (2, 5, 4)))

    def output() -> Any:
        return np.tanh(W @ x + b[:, None])

    dx, dW, db = answer(r * (1 - output() ** 2), x, W)
    return expect_gradients(lambda: float((output() * r).sum()), {"x": (x, dx), "W": (W, dW), "b": (b, db)})


def tanh_layer_slopes(answer: Any) -> Curves:
    """Return dx, dW and db of a dense layer with a tanh behind it."""
    x, W, b, r = (RNG.standard_normal(shape) for shape in ((2, 3, 4), (5, 3), (5,), (2, 5, 4)))
    dx, dW, db = answer(r, x, W, b)
    arrays = {"x": (x, dx), "W": (W, dW), "b": (b, db)}
    return expect_gradients(lambda: float((np.tanh(W @ x + b[:, None]) * r).sum()), arrays)


def softplus_backward(answer: Any) -> None:
    """Return dx from dy and the output y."""
    x, dy = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((2, 3, 4))
    y = np.log1p(np.exp(x))
    found = np.asarray(answer(dy, y))
    expect(not np.allclose(found, dy / (1 + np.exp(-y))), "that is the sigmoid of y; wanted is the sigmoid of x")
    expect(not np.allclose(found, 1 - np.exp(-y)), "that is the slope of y; multiply it by the dy that arrives")
    expect_close(found, dy / (1 + np.exp(-x)), "dx")


def scale_backward(answer: Any) -> None:
    """Return dx and dg."""
    x, dy, g = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((2, 3, 4)), RNG.standard_normal(3)
    dx, dg = answer(dy, x, g)
    expect_close(dx, dy * g[:, None], "dx")
    expect(np.shape(dg) == (3,), f"dg has shape {np.shape(dg)}: a number for each channel is wanted, (3,)")
    expect_close(dg, (dy * x).sum(axis=(0, 2)), "dg")


def demean_backward(answer: Any) -> None:
    """Return dx, of dy's shape."""
    dy = RNG.standard_normal((2, 3, 4))
    found = np.asarray(answer(dy))
    expect(not np.allclose(found, dy), "that is dy itself: how does x_t change the mean, and the mean all the others?")
    right = dy - dy.mean(axis=-1, keepdims=True)
    expect(not np.allclose(found, 2 * right), "that is twice the right one, which a dy of ones does not notice")
    expect(not np.allclose(found, dy - dy.mean()), "take the mean along the last axis: each channel has its own")
    expect_close(found, right, "dx")
    expect(np.allclose(answer(np.ones((1, 5))), 0), "the sum of what has no mean never changes: ones must give zeros")


def numerical_gradient(answer: Any) -> None:
    """Return an array of the shape of the one that is moved."""
    array, weights = RNG.standard_normal((2, 3)), RNG.standard_normal((2, 3))
    before = array.copy()
    found = answer(lambda: float((np.sin(array) * weights).sum()), array, 1e-5)
    expect((array == before).all(), "the array is not what it was: put every element back")
    expect_close(found, np.cos(before) * weights, "the gradient", rtol=1e-7, atol=1e-8)
