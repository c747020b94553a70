"""What STEAD says of a window beside its arrivals: the signal-to-noise ratio, and where the coda ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.data.labels import detection_end
from minieqt.data.table import COMPONENTS, SAMPLES

Array = Any

BIN = 50  # samples over which power is averaged


def signal_to_noise(x: Array, p: float, s: float) -> Array:
    """20 log10 of the ratio of the 95th percentiles of |x| in the 5 s from S and the 5 s before P: (3,), rounded to
    0.1 dB, 0 for a dead component. So STEAD measures `snr_db`."""
    signal = _percentile_95(np.abs(x[:, int(s) : int(s) + 500])).astype(np.float64)
    noise = _percentile_95(np.abs(x[:, max(int(p) - 500, 0) : int(p)])).astype(np.float64)
    alive = (signal > 0) & (noise > 0)
    return np.round(20 * np.log10(np.where(alive, signal, 1) / np.where(alive, noise, 1)), 1)


def _percentile_95(x: Array) -> Array:
    """The nearest rank; NumPy's own interpolates and takes ten times as long."""
    return np.sort(x, axis=-1)[:, round(0.95 * (x.shape[1] - 1))]


def power(x: Array) -> Array:
    """Mean square of all components in half seconds, (120,)."""
    halves = x.reshape(COMPONENTS, -1, BIN)
    return np.einsum("cht,cht->h", halves, halves) / (COMPONENTS * BIN)


def after_s(end: float, p: float, s: float) -> float:
    """A coda's end, moved to some way after S and into the window."""
    return float(min(max(end, np.ceil(s + 0.5 * (detection_end(p, s) - s)) + BIN), SAMPLES - 1))


def coda_end(x: Array, p: float, s: float) -> float:
    """Of a recorded window (3, 6000): where its power sinks to twice that before P for the first time after S."""
    half_seconds = power(x)
    quiet = half_seconds[: max(int(p) // BIN, 1)].mean()
    first = int(s) // BIN + 1
    faint = np.flatnonzero(half_seconds[first:] <= 2 * quiet)
    return after_s(BIN * (first + faint[0]) if len(faint) else SAMPLES, p, s)
