"""The likely mistake is named: each is made on purpose."""

from __future__ import annotations

import numpy as np
import pytest
from course.mistakes import likely_mistake

RIGHT = np.random.default_rng(0).standard_normal((4, 3, 6))
SQUARE = RIGHT[0, :, :3]


def with_nan(right):
    return np.where(right == right.max(), np.nan, right)


def changed(right, where):
    found = right.copy()
    found[where] += 1
    return found


@pytest.mark.parametrize(
    "right, found, reason",
    [
        (RIGHT, -RIGHT, "its sign is wrong"),
        (RIGHT, 0 * RIGHT, "it is zero everywhere"),
        (RIGHT, 2.5 * RIGHT, "it is 2.5 times the right one"),
        (RIGHT, RIGHT / 24, "it is the right one divided by 24"),
        (RIGHT, RIGHT + 0.5, "it is the right one plus a constant"),
        (RIGHT, with_nan(RIGHT), "not all of its numbers are finite"),
        (SQUARE, SQUARE.T, "its last two axes are swapped"),
        (RIGHT, RIGHT[:, :, ::-1], "it is reversed along axis 2"),
        (RIGHT, RIGHT[:, ::-1], "it is reversed along axis 1"),
        (RIGHT, np.roll(RIGHT, 1, axis=2), "it is one step too late along its last axis"),
        (RIGHT, np.roll(RIGHT, -1, axis=2), "it is one step too early along its last axis"),
        (RIGHT, changed(RIGHT, np.s_[:, 1, 0]), "it is wrong only at the first 1 of 6 places along its last axis"),
        (RIGHT, changed(RIGHT, np.s_[..., 2:]), "it is wrong only at the last 4 of 6 places along its last axis"),
        (RIGHT, changed(RIGHT, (1, 2, 3)), "it is wrong only in 1 of its 72 numbers"),
        (RIGHT.sum(axis=(0, 2)), RIGHT, "sum it over axis 0 and 2"),
        (RIGHT.sum(axis=0), RIGHT, "sum it over axis 0"),
        (RIGHT, RIGHT.sum(axis=1), "it was summed over axis 1, which stays"),
        (RIGHT[0], RIGHT[0].T, "it is the transpose of the right one"),
        (RIGHT[0], RIGHT[:1], "its numbers are right, only its shape is not"),
        (RIGHT, np.sin(3 * RIGHT), ""),
        (RIGHT, RIGHT[:2], ""),
        (np.zeros(3), np.ones(3), ""),
        (np.array(2.0), np.array(3.0), ""),
    ],
)
def test_the_mistake_is_named(right, found, reason):
    assert likely_mistake(found, right) == reason
