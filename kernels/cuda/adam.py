"""Launches adam.cu: twin of minieqt/adam.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from .launch import ceil_div, launch, on_machine, shared_bytes

Array = Any

THREADS = 256


def adam_step(
    theta: Array, gradient: Array, m: Array, v: Array, l1: Array, l2: Array, t: int, learning_rate: float
) -> None:
    """One step in place on theta, m and v, all vectors (N,); t counts steps from 1."""
    count, rate = (on_machine(theta, value, np.float64) for value in (t, learning_rate))
    arguments = (theta, gradient, m, v, l1, l2, count, rate, theta.size)
    launch("adam.cu", "adam_step", ceil_div(theta.size, THREADS), THREADS, arguments, shared_bytes(1))
