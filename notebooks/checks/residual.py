"""Exercises of chapter 05."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close
from course.gradients import Curves, expect_gradients

from minieqt.blocks.rescnn import KERNELS, ResCNN
from minieqt.layers.activations import relu_forward
from minieqt.layers.batchnorm import batch_statistics, batchnorm_forward
from minieqt.layers.conv1d import conv1d_forward
from minieqt.philox import Randomness

RNG = np.random.default_rng(5)


def sum_slopes(answer: Any) -> Curves:
    """Return dx, dW and db of y = x + conv(x)."""
    x, W, b, r = (RNG.standard_normal(shape) for shape in ((2, 3, 9), (3, 3, 3), (3,), (2, 3, 9)))

    def output() -> Any:
        return np.tanh(x + conv1d_forward(x, W, b)[0])

    dx, dW, db = answer(r * (1 - output() ** 2), x, W, b)
    return expect_gradients(lambda: float((output() * r).sum()), {"x": (x, dx), "W": (W, dW), "b": (b, db)})


def half_slopes(answer: Any) -> Curves:
    """Fill in the two lines."""
    x, W, r = RNG.standard_normal((2, 3, 9)), RNG.standard_normal((3, 3, 3)), RNG.standard_normal((2, 3, 9))
    gamma, beta, b = RNG.standard_normal((3, 3))
    mask = np.array([[1.25, 0, 1.25], [1.25, 1.25, 1.25]])[:, :, None]

    def forward() -> tuple[Any, ...]:
        normalised, norm_cache = batchnorm_forward(x, gamma, beta, *batch_statistics(x))
        bent = relu_forward(normalised)
        y, conv_cache = conv1d_forward(bent * mask, W, b)
        return y, conv_cache, mask, bent, norm_cache

    dx, dgamma, dbeta, dW, db = answer(r, *forward()[1:])
    arrays = {"x": (x, dx), "gamma": (gamma, dgamma), "beta": (beta, dbeta), "W": (W, dW), "b": (b, db)}
    return expect_gradients(lambda: float((forward()[0] * r).sum()), arrays)


def residual_backward(answer: Any) -> None:
    """Return dx."""
    F, G, dy = RNG.standard_normal((3, 3)), RNG.standard_normal((3, 3)), RNG.standard_normal((3, 4))
    found = np.asarray(answer(dy, lambda d: F.T @ d, lambda d: G.T @ d))
    right = dy + G.T @ F.T @ dy
    expect(not np.allclose(found, right - dy), "x goes straight into the sum, too")
    expect(not np.allclose(found, dy + F.T @ G.T @ dy), "the gradient meets f first: it stands nearer to the output")
    expect_close(found, right, "dx")


def block_parameters(answer: Any) -> None:
    """Return a number of parameters."""
    network = ResCNN(64, RNG, Randomness(0), 0.1)
    for block, taps in zip(network.blocks, KERNELS, strict=True):
        right, found = block.count_parameters()[0], answer(64, taps)
        expect(2 * found != right, "a block has two halves")
        expect(found == right, f"a block of 64 channels and {taps} taps has {right:,} parameters, not {found:,}")
    expect(answer(8, 3) == 2 * (8 * 8 * 3 + 8 + 8 + 8), "and one of 8 channels and 3 taps 432")


def gradient_sizes(answer: Any) -> None:
    """Return two numbers, plain and residual."""
    for depth in (1, 7):
        plain, residual = answer(depth)
        expect_close(plain, 0.5**depth, f"the plain chain's, for depth {depth},")
        expect_close(residual, 1.5**depth, f"the residual chain's, for depth {depth},")
