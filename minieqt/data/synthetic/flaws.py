"""What digitisers and archives do to a record: whole counts, filters and tapers, clipping, gaps, dead components."""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.data.synthetic.station import Station
from minieqt.data.table import COMPONENTS, SAMPLES

Array = Any

TAPER = np.sin(np.linspace(0, np.pi / 2, 60, dtype=np.float32)) ** 2
VERTICAL = COMPONENTS - 1


def recorded(rng: np.random.Generator, station: Station, x: Array) -> Array:
    """What is kept of a motion in counts: 24 bits, whole or filtered and tapered like much of STEAD; accelerometers
    are tilted a little, which adds a constant."""
    if rng.random() < 0.01:  # the amplifier's limit
        limit = np.float32(rng.uniform(0.1, 0.8) * np.abs(x).max())
        x = np.clip(x, -limit, limit)
    x = np.clip(x, -(2**23), 2**23)
    if station.whole_counts:
        if station.accelerometer:
            x += (10 ** rng.uniform(1, 4) * rng.normal(size=(COMPONENTS, 1))).astype(np.float32)
        return np.rint(x)
    x -= x.mean(axis=-1, keepdims=True)
    x[:, : len(TAPER)] *= TAPER
    x[:, -len(TAPER) :] *= TAPER[::-1]
    return x


def spoil_earthquake(rng: np.random.Generator, x: Array, p: float, s: float, coda_end: float) -> float:
    """In place: a vertical component alone (one in twelve), a dead component, a record that begins before P or ends
    after S, filled up with zeros. Returns the end of the coda, which lies before those zeros."""
    flaw = rng.random()
    if flaw < 0.08:
        x[:VERTICAL] = 0
    elif flaw < 0.11:
        x[rng.integers(COMPONENTS)] = 0
    elif flaw < 0.14:
        _remove(x, 0, int(max(p - rng.uniform(100, 1500), 0)))
    elif flaw < 0.20:
        end = s + 1.5 * (s - p) + rng.uniform(100, 3000)
        if end < SAMPLES - 1:
            _remove(x, int(end), SAMPLES)
            return min(coda_end, float(int(end)))
    return coda_end


def spoil_noise(rng: np.random.Generator, x: Array) -> None:
    """In place: STEAD's trap of one component three times, records that begin late, end early or miss a part, dead
    components; telemetry that repeats the last value."""
    flaw = rng.random()
    first, last = sorted(rng.integers(SAMPLES, size=2).tolist())
    if flaw < 0.01:
        x[:] = x[0]
    elif flaw < 0.03:
        _remove(x, 0, first)
    elif flaw < 0.06:
        _remove(x, last, SAMPLES)
    elif flaw < 0.09:
        _remove(x, first, min(last, first + 1500))
    elif flaw < 0.11:
        x[:, first : min(last, first + 800)] = x[:, first : first + 1]
    elif flaw < 0.14:
        x[:VERTICAL] = 0
    elif flaw < 0.16:
        x[rng.integers(COMPONENTS)] = 0


def _remove(x: Array, first: int, last: int) -> None:
    """Zeros where nothing was recorded; the mean is removed first, or there would be a step beside them."""
    x -= np.rint(x.mean(axis=-1, keepdims=True))
    x[:, first:last] = 0
