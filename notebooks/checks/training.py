"""Exercises of chapter 09."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close

from minieqt.training.early_stopping import should_stop

RNG = np.random.default_rng(9)


def first_step(answer: Any) -> None:
    """Return a length, with its sign."""
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
