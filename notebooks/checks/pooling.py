"""Exercises of chapter 03."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close
from course.gradients import Curves, expect_gradients

from minieqt.blocks.encoder import KERNELS
from minieqt.layers.pool import maxpool1d_forward
from minieqt.layers.upsample import crop1d_backward, crop1d_forward, upsample1d_backward, upsample1d_forward

RNG = np.random.default_rng(3)


def pool_slopes(answer: Any) -> Curves:
    """Fill in second_won and dx."""
    tied = answer(np.array([[[5.0]]]), np.array([[[2.0, 2.0]]]))
    expect_close(tied, [[[5.0, 0.0]]], "dx at a tie, where the first gets everything,")
    x, r = RNG.standard_normal((2, 3, 9)), RNG.standard_normal((2, 3, 5))
    return expect_gradients(lambda: float((maxpool1d_forward(x)[0] * r).sum()), {"x": (x, answer(r, x))})


def pooled_length(answer: Any) -> None:
    """Return a number of samples."""
    expect(answer(6000, 4) == 375, f"6000 samples halved four times are 375, not {answer(6000, 4)}")
    expect(answer(6000, 5) == 188, f"375 samples become 188, not {answer(6000, 5)}: an odd one is kept")
    expect(answer(6000, 7) == 47, f"after seven stages 47 are left, not {answer(6000, 7)}")


def meanpool_backward(answer: Any) -> None:
    """Return dx, twice as long as dy."""
    dy = RNG.standard_normal((2, 3, 4))
    found = np.asarray(answer(dy))
    right = np.repeat(dy, 2, axis=2) / 2
    expect(found.shape == right.shape, f"dx has shape {found.shape}, wanted {right.shape}")
    expect(not np.allclose(found, 2 * right), "each sample has only half of the mean: where is the factor?")
    expect_close(found, right, "dx")


def reach(answer: Any) -> None:
    """Return a number of samples."""
    expect(answer([11]) == 12, f"a pair of neighbouring outputs of 11 taps sees 12 samples, not {answer([11])}")
    expect(answer([11, 9]) == 30, f"stages of 11 and 9 taps see 2 (2 + 8) + 10 = 30 samples, not {answer([11, 9])}")
    right = 1
    for K in reversed(KERNELS):
        right = 2 * right + K - 1
    expect(answer(KERNELS) == right, f"the encoder's seven stages see {right} samples, not {answer(KERNELS)}")


def is_adjoint(answer: Any) -> None:
    """Return whether backward is the adjoint of forward."""
    shapes = (2, 3, 7), (2, 3, 14)
    expect(answer(upsample1d_forward, upsample1d_backward, *shapes), "upsampling's backward is its adjoint")
    wrong = answer(upsample1d_forward, lambda dy: dy[:, :, ::2], *shapes)
    expect(not wrong, "a backward that forgets every second sample passed")
    cut = answer(lambda x: crop1d_forward(x, (1, 2)), lambda y: crop1d_backward(y, (2, 1)), (1, 2, 9), (1, 2, 6))
    expect(not cut, "a backward that pads on the wrong side passed: are x and y random?")
