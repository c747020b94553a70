"""Exercises of chapter 14."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close

RNG = np.random.default_rng(14)


def window_starts(answer: Any) -> None:
    """Return a list of samples."""
    expect(list(answer(12000, 6000, 3000)) == [0, 3000, 6000], "12000 samples: windows at 0, 3000 and 6000")
    expect(list(answer(6000, 6000, 3000)) == [0], "6000 samples: one window, and not twice")
    found = list(answer(13000, 6000, 3000))
    expect(found[-1] + 6000 == 13000, f"13000 samples: the last window ends at {found[-1] + 6000}")
    expect(found == [0, 3000, 6000, 7000], f"13000 samples: windows at 0, 3000, 6000, 7000, not {found}")


def stack_mean(answer: Any) -> None:
    """Return an array of N samples."""
    pieces, starts = list(RNG.random((3, 4))), [0, 2, 3]
    right = [
        np.mean([piece[t - first] for piece, first in zip(pieces, starts, strict=True) if 0 <= t - first < 4])
        for t in range(7)
    ]
    found = np.asarray(answer(pieces, starts, 7))
    expect(found.shape == (7,), f"it has shape {found.shape}, wanted (7,)")
    expect(found[0] == right[0], "a sample that only one window sees has that window's value")
    expect_close(found, right, "the mean")


def match(answer: Any) -> None:
    """Return a number of pairs."""
    expect(answer([1.0, 5.0], [1.2, 9.0], 0.5) == 1, "1.0 and 1.2 are a pair, 5.0 and 9.0 are none")
    expect(answer([1.0, 1.1], [1.05], 0.5) == 1, "1.05 belongs to one pair only")
    ours, theirs = sorted(RNG.uniform(0, 100, 40)), sorted(RNG.uniform(0, 100, 40))
    pairs = i = j = 0
    while i < len(ours) and j < len(theirs):
        if abs(ours[i] - theirs[j]) <= 1:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif ours[i] < theirs[j]:
            i += 1
        else:
            j += 1
    expect(answer(ours, theirs, 1.0) == pairs, f"of 40 and 40 times {pairs} pairs are within 1 s")


def origin_time(answer: Any) -> None:
    """Return a time in seconds."""
    origin, distance = 100.0, np.array([12.0, 30.0, 55.0])
    p, s = origin + distance / 6, origin + 1.73 * distance / 6
    found = answer(p, s, 1.73)
    expect(found < p.min(), "the origin is before every arrival")
    expect_close(found, origin, "the origin time")
    expect_close(answer(p, origin + 1.8 * distance / 6, 1.8), origin, "the origin time for another ratio")
