"""Exercises of chapter 00."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close
from course.records import synthetic_windows

from minieqt.data import make_labels


def pick_by_eye(answer: Any) -> None:
    """Give two numbers, the seconds of P and of S."""
    expect(np.shape(answer) == (2,), "two numbers are wanted, P and S in seconds")
    right = synthetic_windows(31)[1][30] / 100
    for phase, found, exact in zip("PS", answer, right, strict=True):
        expect(found <= 60, f"{phase} is wanted in seconds, not in samples")
        off = found - exact
        expect(abs(off) <= 0.3, f"your {phase} is {abs(off):.1f} s {'late' if off > 0 else 'early'}")


def distance(answer: Any) -> None:
    """Return the distance in km."""
    right = 1.0 / (1 / 3.5 - 1 / 6)
    found = answer(500.0, 600.0)
    expect(abs(found - 100 * right) > 1e-6, "arrivals are samples, hundredths of a second")
    expect_close(found, right, "the distance for S - P = 1 s")
    expect_close(answer(0.0, 250.0, 5.0, 3.0), 2.5 / (1 / 3 - 1 / 5), "the distance for other speeds")


def triangle(answer: Any) -> None:
    """Return an array of T samples."""
    found = np.asarray(answer(100.0, 300))
    expect(found.shape == (300,), f"it has shape {found.shape}, wanted (300,)")
    expect(found.min() >= 0, "beyond 20 samples the line goes below zero: cut it off there")
    expect(found[100] == 1, f"at the arrival it is {found[100]:.2f}, wanted 1")
    right = make_labels(1000.5, 2000.0, "triangle")[1]
    expect_close(answer(1000.5, 6000), right, "the triangle at 1000.5", atol=1e-6)


def snr_db(answer: Any) -> None:
    """Return one number for each component."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 6000))
    x[:, 1000:] *= np.array([10.0, 100.0, 1000.0])[:, None]
    found = np.asarray(answer(x, 1000.0, 1500.0))
    expect(found.shape == (3,), f"it has shape {found.shape}, wanted one number for each component: (3,)")
    right = 20 * np.log10(x[:, 1500:2000].std(axis=1) / x[:, 500:1000].std(axis=1))
    expect(not np.allclose(2 * found, right, rtol=1e-2), "a ratio of amplitudes takes 20 log10, one of powers 10 log10")
    expect_close(found, right, "the ratio in dB")
