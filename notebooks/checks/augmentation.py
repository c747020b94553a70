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
    expect(not np.array_equal(moved, arrivals - 2), "the arrivals go to the left, and the window to the right")
    expect_close(moved, arrivals + 2, "what became of the arrivals")


def off_place(answer: Any) -> None:
    """Return an array like picks: how many samples after the nearest such sample each lies (before it: below 0)."""
    picks = np.array([100, 228, 130, 90, 612 - 63])
    found = np.asarray(answer(picks, 100))
    expect(found.shape == picks.shape, "one number for each pick")
    expect(not np.array_equal(found, picks - 100), "the place returns every 128 samples")
    expect(not np.array_equal(found, (picks - 100) % 128), "10 samples before such a sample is -10, not 118")
    expect(not np.array_equal(found, abs(np.array([0, 0, 30, -10, -63]))), "before the sample it is below 0")
    expect_close(found, np.array([0, 0, 30, -10, -63]), "how far picks at 100, 228, 130, 90 and 549 are from place 100")


def shift_with_zeros(answer: Any) -> None:
    """Return an array like x."""
    x = RNG.standard_normal((3, 8))
    before = x.copy()
    expect_close(answer(x, 0), before, "a shift by nothing")
    found = np.asarray(answer(x, 3))
    expect((x == before).all(), "the window itself must stay as it is")
    expect(not np.allclose(found, np.roll(x, 3, axis=-1)), "that rotates: what leaves on the right must not come back")
    to_the_left = np.concatenate([x[:, 3:], np.zeros((3, 3))], axis=1)
    expect(found.shape != x.shape or not np.allclose(found, to_the_left), "that goes to the left: P would come earlier")
    expect_close(found, np.concatenate([np.zeros((3, 3)), x[:, :5]], axis=1), "a shift by 3")


def chance_without_z(answer: Any) -> None:
    """Return a probability."""
    expect(not np.isclose(answer(0.5), 0.25), "one of the seven subsets is all three, and four of them hold Z")
    expect(not np.isclose(answer(0.5), 0.5 * 4 / 7), "four of the seven subsets hold Z; in how many is it missing?")
    expect(not np.isclose(answer(0.5), 0.5 * 3 / 8), "the empty subset is none of them: seven, and not eight")
    expect(not np.isclose(answer(0.5), 3 / 7), "so often Z is missing if components are dropped; how often are they?")
    expect_close(answer(0.5), 0.5 * 3 / 7, "the chance for a rate of 0.5")
    expect_close(answer(1.0), 3 / 7, "the chance for a rate of 1")


def unnoticed(answer: Any) -> None:
    """Return whether it is."""
    expect(answer(1280, 20), "1280 samples are ten steps: P stays on a stair")
    expect(not answer(64, 20), "64 samples are half a step: no stair is nearer to P")
    expect(answer(1290, 20), "after a move by 1290 a stair lies 10 samples before P")
    expect(answer(1270, 20), "after a move by 1270 a stair lies 10 samples after P")
    expect(not answer(1301, 20), "after a move by 1301 the nearest stair is 21 samples away")
    expect(answer(-128, 0), "P may also be moved to the left")


def turned(answer: Any) -> None:
    """Return an array like x."""
    x = RNG.standard_normal((3, 6))
    expect_close(answer(x, 0.0), x, "a station that points north")
    found = np.asarray(answer(x, np.pi / 2))
    expect(not np.allclose(found[1], -x[0]), "turned to the east, its north is E, not -E: the sign of the angle")
    expect(not np.allclose(found[:2], [x[0], -x[1]]), "east and north are exchanged: the order is E, N, Z")
    expect(not np.allclose(np.asarray(answer(x, 90.0))[:2], [-x[1], x[0]]), "the angle is in radians, not in degrees")
    expect_close(found, np.stack([-x[1], x[0], x[2]]), "a quarter turn")
    e, n, z = x
    right = np.stack([e * np.cos(0.3) - n * np.sin(0.3), n * np.cos(0.3) + e * np.sin(0.3), z])
    expect_close(answer(x, 0.3), right, "a turn by 0.3")


def allowed(answer: Any) -> None:
    """Return whether it is."""
    event = 700, 1200, 3000  # P, S, the coda's end
    expect(answer(*event, 0, 0), "where nothing happens, nothing is cut")
    expect(answer(*event, 3000, 0), "moved by 3000 the coda's end just stays in the window, and nothing is added")
    expect(not answer(*event, 3001, 0), "moved by 3001 the coda's end is out of the window")
    expect(answer(*event, 1000, 4000), "moved by 1000 the coda ends at 4000: from there on a second event may begin")
    expect(not answer(*event, 1000, 3500), "moved by 1000 the coda ends at 4000: at 3500 the second event is in it")
    expect(not answer(*event, 0, 5490), "a second event at 5490 has its S at 5990: half of its label is cut off")
    expect(answer(*event, 0, 5479), "a second event at 5479 has its S at 5979, and its label ends with the window")
    expect(answer(*event, 1000, 5479), "second_start is a place in the moved window: by does not count again")
    expect(not answer(*event, 3500, 5200), "moved by 3500 the coda's end is out of the window, second event or not")
