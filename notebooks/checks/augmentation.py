"""Exercises of chapter 10."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close

RNG = np.random.default_rng(10)


def rotate(answer: Any) -> None:
    """Fill in where a sample goes, and return the moved arrivals as well."""
    x, arrivals = RNG.standard_normal((3, 8)), np.array([[1.0, 3.0]])
    expect_close(answer(x, arrivals, 0)[0], x, "a rotation by nothing")
    found, moved = answer(x, arrivals, 2)
    expect(not np.allclose(found, np.roll(x, -2, axis=-1)), "that goes to the left: P would come earlier")
    expect_close(found, np.roll(x, 2, axis=-1), "a rotation by 2")
    expect(not np.array_equal(moved, arrivals), "the arrivals stay where they were: the labels would be wrong")
    expect_close(moved, arrivals + 2, "the arrivals")


def shift_with_zeros(answer: Any) -> None:
    """Return an array like x."""
    x = RNG.standard_normal((3, 8))
    before = x.copy()
    expect_close(answer(x, 0), x, "a shift by nothing")
    found = np.asarray(answer(x, 3))
    expect(not np.allclose(found, np.roll(x, 3, axis=-1)), "that rotates: what leaves on the right must not come back")
    expect_close(found, np.concatenate([np.zeros((3, 3)), x[:, :5]], axis=1), "a shift by 3")
    expect((x == before).all(), "the window itself must stay as it is")


def chance_without_z(answer: Any) -> None:
    """Return a probability."""
    expect(not np.isclose(answer(0.5), 0.25), "one of the seven subsets is all three, and four of them hold Z")
    expect_close(answer(0.5), 0.5 * 3 / 7, "the chance for a rate of 0.5")
    expect_close(answer(1.0), 3 / 7, "the chance for a rate of 1")


def best_guess(answer: Any) -> None:
    """Return one of the samples."""
    samples = np.array([400.0, 900.0, 430.0, 1000.0, 460.0, 445.0])
    found = answer(samples, 30)
    expect(found in samples, "the guess is one of the given samples")
    expect(found == 430, f"430 is within 30 samples of four of them, {found:g} is not")
    expect(answer(np.array([1.0, 5.0, 9.0]), 1) == 1, "of equals the first is wanted")


def turned(answer: Any) -> None:
    """Return an array like x."""
    x = RNG.standard_normal((3, 6))
    expect_close(answer(x, 0.0), x, "a station that points north")
    found = np.asarray(answer(x, np.pi / 2))
    expect(not np.allclose(found[1], -x[0]), "turned to the east, its north is E, not -E: the sign of the angle")
    expect_close(found, np.stack([-x[1], x[0], x[2]]), "a quarter turn")
    e, n, z = x
    right = np.stack([e * np.cos(0.3) - n * np.sin(0.3), n * np.cos(0.3) + e * np.sin(0.3), z])
    expect_close(answer(x, 0.3), right, "a turn by 0.3")
