"""Exercises of chapter 09."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close

from minieqt.adam import BETA2, adam_step
from minieqt.training.early_stopping import should_stop

RNG = np.random.default_rng(9)


def adam_by_hand(answer: Any) -> None:
    """Fill in m, v and the step."""
    theta, nothing, ours_m, ours_v, m, v = np.zeros((6, 4))
    for t in range(1, 4):
        g, before, v_before = RNG.standard_normal(4), theta.copy(), v.copy()
        adam_step(theta, g, m, v, nothing, nothing, t, 0.1)
        with np.errstate(invalid="ignore"):  # a wrong v may be negative
            ours_m, ours_v, step = answer(g, ours_m.copy(), ours_v.copy(), t, 0.1)
        expect_close(ours_m, m, f"m after step {t}")
        expect(not np.allclose(ours_v, BETA2 * v_before + (1 - BETA2) * g), "v is a mean of the squares")
        expect_close(ours_v, v, f"v after step {t}")
        expect(not np.allclose(step, theta - before), "the step is subtracted from θ: its sign is the slope's")
        expect_close(step, before - theta, f"step {t}")


def first_step(answer: Any) -> None:
    """Return what is subtracted from θ."""
    expect(not np.isclose(answer(1000.0, 1e-3), 1.0), "that is plain descent: Adam divides by the slope's size")
    for g in (1000.0, -0.001):
        expect_close(answer(g, 1e-3), 1e-3 * np.sign(g), f"the first step for a slope of {g:g}")


def clipped(answer: Any) -> None:
    """Return an array like gradient."""
    gradient = np.array([3.0, 4.0])
    expect_close(answer(gradient, 1.0), [0.6, 0.8], "[3, 4] shortened to 1")
    expect_close(answer(gradient, 10.0), gradient, "[3, 4], which is shorter than 10,")
    expect_close(answer(np.zeros(2), 1.0), np.zeros(2), "a gradient of zeros")


def stop_at(answer: Any) -> None:
    """Return a number of epochs."""
    cases = [[3.0, 2, 1, 0.5], [1.0, 2, 2, 2, 0.5], [3.0, 1, 2, 0.9, 2, 2, 2, 2], list(RNG.random(30))]
    for losses in cases:
        right = next((n for n in range(1, len(losses) + 1) if should_stop(losses[:n], 3)), len(losses))
        found = answer(losses, 3)
        shown = ", ".join(f"{loss:.2g}" for loss in losses[:8])
        expect(found == right, f"losses {shown} with patience 3 stop after {right} epochs, not {found}")


def warmed_up(answer: Any) -> None:
    """Return a learning rate."""
    expect(answer(0, 1.0, 4) != 0, "a first epoch with a rate of zero is wasted: it begins with a part")
    expect_close([answer(epoch, 1.0, 4) for epoch in range(6)], [0.25, 0.5, 0.75, 1, 1, 1], "the schedule")
