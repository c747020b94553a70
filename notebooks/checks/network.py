"""Exercises of chapter 08."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close
from course.gradients import Curves, expect_gradients

from minieqt import EQTransformer
from minieqt.loss import WEIGHTS, cross_entropy_forward

RNG = np.random.default_rng(8)


def surprise_slopes(answer: Any) -> Curves:
    """Fill in p and dz."""
    z, y = 2 * RNG.standard_normal((2, 9)), RNG.random((2, 9))
    return expect_gradients(lambda: float(cross_entropy_forward(z, y)), {"z": (z, answer(z, y))})


def blind_loss(answer: Any) -> None:
    """Return a mean loss."""
    expect_close(answer(0.5), np.log(2), "the loss for a share of one half")
    share = 25 / 6000
    right = -share * np.log(share) - (1 - share) * np.log(1 - share)
    expect(not np.isclose(answer(share), -share * np.log(share)), "the samples that are zero surprise a little, too")
    expect_close(answer(share), right, "the loss for P's share")


def stable(answer: Any) -> None:
    """Return an array like z."""
    z = np.array([-800.0, -1.0, 0.0, 1.0, 800.0])
    with np.errstate(all="ignore"):
        found = np.asarray(answer(z))
    expect(np.isfinite(found).all(), "e to the power of 800 is more than a float64 can hold")
    expect_close(found, np.logaddexp(0, z), "log(1 + e^z)")


def at_the_fork(answer: Any) -> None:
    """Return one array, of the shape of each of the three."""
    gradients = RNG.standard_normal((3, 2, 16, 47))
    found = np.asarray(answer(*gradients))
    expect(not np.allclose(found, gradients.sum(axis=0)), "each branch has its weight: 0.05, 0.40, 0.55")
    expect_close(found, sum(w * g for w, g in zip(WEIGHTS, gradients, strict=True)), "the gradient")


def released_parameters(answer: Any) -> None:
    """Return a number of parameters."""
    right, found = EQTransformer(lstm_blocks=3).count_parameters()[0], answer()
    expect(found != right - 32, "a scale and an offset for each of 16 channels are still missing")
    expect(found == right, f"it has {right:,}, not {found:,}")
