"""Exercises of chapter 05."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close

from minieqt.blocks.rescnn import KERNELS, ResCNN
from minieqt.philox import Randomness

RNG = np.random.default_rng(5)


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
