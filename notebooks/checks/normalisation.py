"""Exercises of chapter 04."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close
from course.gradients import Curves, expect_gradients

from minieqt.layers.batchnorm import batch_statistics, batchnorm_forward
from minieqt.layers.layernorm import layernorm_forward

RNG = np.random.default_rng(4)


def normalised(x: Any, axes: Any, eps: float) -> tuple[Any, Any]:
    """x with mean 0 and variance 1 over some axes, and the standard deviation that it was divided by."""
    sigma = np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    return (x - x.mean(axis=axes, keepdims=True)) / sigma, sigma


def batch_normalised() -> tuple[Any, ...]:
    """x, gamma, a cotangent r and value() for batch normalisation in training."""
    x, r = 5 + 3 * RNG.standard_normal((4, 3, 6)), RNG.standard_normal((4, 3, 6))
    gamma, beta = RNG.standard_normal(3), RNG.standard_normal(3)
    return x, gamma, r, lambda: float((batchnorm_forward(x, gamma, beta, *batch_statistics(x))[0] * r).sum())


def norm_slopes(answer: Any) -> Curves:
    """Fill in the two means and dx."""
    x, gamma, r, value = batch_normalised()
    x_hat, sigma = normalised(x, (0, 2), 1e-3)
    return expect_gradients(value, {"x": (x, answer(r, gamma, x_hat, 1 / sigma[0, :, 0]))})


def centred_slopes(answer: Any) -> Curves:
    """Return dx of batch normalisation in training."""
    x, gamma, r, value = batch_normalised()
    return expect_gradients(value, {"x": (x, answer(r, x, gamma))})


def slopes_of_steps(answer: Any) -> Curves:
    """Fill in dx, dgamma and dbeta."""
    x, r = 5 + 3 * RNG.standard_normal((2, 3, 6)), RNG.standard_normal((2, 3, 6))
    gamma, beta = RNG.standard_normal(3), RNG.standard_normal(3)
    dx, dgamma, dbeta = answer(r, gamma, *normalised(x, 1, 1e-14))
    arrays = {"x": (x, dx), "gamma": (gamma, dgamma), "beta": (beta, dbeta)}
    return expect_gradients(lambda: float((layernorm_forward(x, gamma, beta)[0] * r).sum()), arrays)


def evaluation_backward(answer: Any) -> None:
    """Return dx."""
    dy, gamma, variance = RNG.standard_normal((2, 3, 4)), RNG.standard_normal(3), RNG.uniform(1, 4, 3)
    found = np.asarray(answer(dy, gamma, variance, 1e-3))
    right = (gamma / np.sqrt(variance + 1e-3))[:, None] * dy
    expect(not np.allclose(found.mean(axis=(0, 2)), 0), "mean and variance are constants here: no mean is taken off")
    expect_close(found, right, "dx")


def fold(answer: Any) -> None:
    """Return a new W and a new b."""
    x, W, b = RNG.standard_normal((2, 3, 5)), RNG.standard_normal((4, 3)), RNG.standard_normal(4)
    gamma, beta, mean, variance = RNG.standard_normal(3), RNG.standard_normal(3), RNG.standard_normal(3), np.ones(3) * 2
    folded_W, folded_b = answer(W, b, gamma, beta, mean, variance, 1e-3)
    expect(np.shape(folded_W) == W.shape, f"the new W has shape {np.shape(folded_W)}, wanted {W.shape}")
    expect_close(folded_W, W * gamma / np.sqrt(variance + 1e-3), "the new W")
    right = W @ batchnorm_forward(x, gamma, beta, mean, variance)[0] + b[:, None]
    expect_close(folded_W @ x + np.asarray(folded_b)[:, None], right, "with the new b, the output")


def followed_mean(answer: Any) -> None:
    """Return a number."""
    expect_close(answer([5.0], 0.99), 0.05, "after one batch of mean 5, the running mean")
    batches = RNG.standard_normal(20)
    running = 0.0
    for batch in batches:
        running = 0.9 * running + 0.1 * batch
    expect_close(answer(batches, 0.9), running, "after twenty batches, the running mean")


def dropped_mean_and_variance(answer: Any) -> None:
    """Return a mean and a variance."""
    mean, variance = answer(2.0, 0.2)
    expect_close(mean, 2.0, "the mean")
    expect(not np.isclose(variance, 5.0), "that is the mean of y²: take the square of the mean off")
    expect_close(variance, 1.0, "the variance for x = 2 and q = 0.2")
    expect_close(answer(-3.0, 0.5)[1], 9.0, "the variance for x = -3 and q = 0.5")
