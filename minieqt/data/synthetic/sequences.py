"""Earthquakes close together in space and time: a mainshock with its aftershocks, and a swarm.

Aftershocks fade by the law of Omori and Utsu, n(t) ~ 1 / (t + c), and stay 1.2 magnitudes below their mainshock (Båth).
A swarm has no mainshock: its earthquakes are spread evenly over an eighth of the time. Both keep to a few kilometres of
a fault, so that an earthquake comes before the waves of the one before have passed the network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from minieqt.data.synthetic.region import FAULTS, Region

Array = Any

MAINSHOCK = 4.5  # its magnitude
BATH = 1.2  # magnitudes by which the largest aftershock is smaller
C = 200.0  # s of Omori's law: how long after the mainshock the rate stays high
HALF_LENGTH = 0.015  # of the part of a fault on which they happen, degrees
SMALLEST = 1.5


class Origin(NamedTuple):
    """When an earthquake happens (s), on which fault (a row of a region's; None: any), how large (None: at random)."""

    time: float
    fault: Array | None = None
    magnitude: float | None = None


def sequences(rng: np.random.Generator, region: Region, seconds: float, count: int) -> list[Origin]:
    """A mainshock with `count` aftershocks, and `count` earthquakes of a swarm, on two of the region's faults."""
    broken, swarming = region.faults[rng.choice(FAULTS, 2, replace=False)]
    for fault in (broken, swarming):
        fault[3] = HALF_LENGTH
    since = 0.1 * seconds
    after = C * ((1 + (seconds - since) / C) ** rng.random(count) - 1)  # the inverse of Omori's cumulated rate
    smaller = gutenberg_richter(rng, region, count, MAINSHOCK - BATH)
    began = rng.uniform(0.5, 0.8) * seconds
    found = [Origin(since, broken, MAINSHOCK)]
    found += [Origin(since + t, broken, m) for t, m in zip(after.tolist(), smaller.tolist(), strict=True)]
    return found + [Origin(t, swarming) for t in rng.uniform(began, began + seconds / 8, count).tolist()]


def gutenberg_richter(rng: np.random.Generator, region: Region, count: int, largest: float) -> Array:
    """(count,) magnitudes from SMALLEST to the largest: log10 N(≥ M) = a − b M."""
    b = region.crust.b_value
    return SMALLEST - np.log10(1 - rng.random(count) * (1 - 10 ** (-b * (largest - SMALLEST)))) / b


def on_the_fault(region: Region, fault: Array) -> Region:
    """The region with this fault as its only one."""
    return replace(region, faults=np.tile(fault, (FAULTS, 1)))
