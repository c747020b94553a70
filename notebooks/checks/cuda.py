"""Exercises of chapter 15."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect
from course.cuda import Launched, Task, launched

RNG = np.random.default_rng(15)


def scale(answer: Any) -> Launched:
    """Fill in the line that writes y."""
    x = RNG.standard_normal(32)
    return launched(answer, Task("scale", {"x": x}, 0.5 * x, (0.5,)))


def guarded(answer: Any) -> Launched:
    """Fill in the line that writes y."""
    x = RNG.standard_normal(40)
    return launched(answer, Task("guarded", {"x": x}, 0.5 * x, (0.5, 40), threads=64))


def neighbours(answer: Any) -> Launched:
    """Fill in i and y[i]."""
    x = RNG.standard_normal(100)
    return launched(answer, Task("neighbours", {"x": x}, np.diff(x, prepend=x[0]), (100,), blocks=4))


def side_by_side(answer: Any) -> Launched:
    """Write a kernel that moves as few sectors as there are."""
    x = RNG.standard_normal(128)
    seen = launched(answer, Task("side_by_side", {"x": x}, 0.5 * x, (0.5,)))
    sectors, best = seen.sectors()
    expect(sectors == best, f"the numbers are right, but it moves {sectors} sectors where {best} would do", seen)
    return seen


def turned(answer: Any) -> Launched:
    """Fill in the lines that write y."""
    x = RNG.standard_normal(64)
    seen = launched(answer, Task("turned", {"x": x}, x.reshape(2, 32)[:, ::-1].ravel(), blocks=2))
    expect(seen.reads("x") == 64 and seen.reads("shared memory"), "take y from shared memory, not from x", seen)
    return seen


def energy(answer: Any) -> Launched:
    """Fill in the body of the loop."""
    x = RNG.standard_normal(128)
    return launched(answer, Task("energy", {"x": x}, (x.reshape(2, 64) ** 2).sum(axis=1), blocks=2, threads=64))


def convolved(answer: Any) -> Launched:
    """Fill in what is kept, and what is summed."""
    x, w = RNG.standard_normal(80), RNG.standard_normal(5)
    right = np.correlate(np.pad(x, 2), w)
    seen = launched(answer, Task("convolved", {"x": x, "w": w}, right, (80,), blocks=3))
    once = 80 + 2 * (3 - 1) * 2  # every sample, and two more at each side of a border between blocks
    expect(seen.reads("x") <= once, f"x is read {seen.reads('x')} times; from shared memory {once} would do", seen)
    return seen


def pooled(answer: Any) -> Launched:
    """Fill in the partner's number, and what is written."""
    x = RNG.standard_normal(64)
    seen = launched(answer, Task("pooled", {"x": x}, x.reshape(32, 2).max(axis=1), threads=64))
    most = seen.most_reads("x")
    expect(most == 1, f"a thread reads {most} numbers of x: take the partner's number by a shuffle", seen)
    expect(not seen.reads("shared memory"), "a shuffle needs no shared memory", seen)
    return seen


def remaining(answer: Any) -> Launched:
    """Return a kernel without a race."""
    x = RNG.standard_normal(64)
    return launched(answer, Task("remaining", {"x": x}, np.cumsum((x**2)[::-1])[::-1], threads=64))
