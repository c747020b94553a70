"""What a picker says of a window, in a few numbers: small enough to keep for a million windows.

    detection    the highest threshold at which a run of at least 10 samples is found: its sustained height
    P, S         the highest peak: its sample and its height

That is all that scoring needs: at a threshold θ a window is detected if detection ≥ θ, and picked at its highest peak
if that is ≥ θ high. So thresholds can be swept after the probabilities are gone, and a picker that is no network
answers in the same way, with heights of its own kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from scipy.ndimage import minimum_filter1d

from minieqt.inference.peaks import MINIMUM_LENGTH, highest_peak

Array = Any

OUTPUTS = ("detection", "P", "S")
NEVER = -np.inf  # the height of what is not there at any threshold


@dataclass(frozen=True)
class Answers:
    """heights {output: (N,) float64}, NEVER where there is nothing; samples {"P", "S": (N,) int64}, -1 where there is
    no peak. A picker that has no such output (an STA/LTA picks no S) leaves it out.

    spreads: the standard deviations over samples of Monte-Carlo dropout, if there are any (see `network_picker`), each
    (N,): {output: of the probability, "P time" and "S time": of the pick, in seconds}.
    """

    heights: dict[str, Array]
    samples: dict[str, Array]
    spreads: dict[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.heights.values())))

    def detected(self, threshold: float) -> Array:
        """(N,) bool."""
        return self.heights["detection"] >= threshold

    def picks(self, phase: str, threshold: float) -> Array:
        """(N,) int64: the pick's sample, -1 where there is none."""
        return np.where(self.heights[phase] >= threshold, self.samples[phase], -1)

    def take(self, rows: Array) -> Answers:
        """The answers of some windows: indices or a boolean mask."""
        return Answers(*({name: a[rows] for name, a in arrays.items()} for arrays in self.columns()))

    def columns(self) -> list[dict[str, Array]]:
        """The dictionaries, in order of the fields."""
        return [getattr(self, each.name) for each in fields(self)]


def answer(probabilities: Sequence[Array]) -> Answers:
    """The answers in probabilities of detection, P and S, each (B, T)."""
    found = [[highest_peak(row, 0.0) or (-1, NEVER) for row in phase] for phase in probabilities[1:]]
    columns = {phase: np.array(peaks, float).reshape(-1, 2) for phase, peaks in zip("PS", found, strict=True)}
    return Answers(
        {"detection": sustained_height(probabilities[0])} | {phase: column[:, 1] for phase, column in columns.items()},
        {phase: column[:, 0].astype(np.int64) for phase, column in columns.items()},
    )


def sustained_height(detection: Array) -> Array:
    """detection (B, T) -> (B,) float64: the highest value that MINIMUM_LENGTH samples in a row do not fall below.

    NEVER for a window shorter than that; NaN ("no data here") ends a run, as in `detection_runs`.
    """
    held = np.where(np.isnan(detection), NEVER, detection)
    lowest = minimum_filter1d(held, MINIMUM_LENGTH, axis=1, mode="constant", cval=NEVER)
    return lowest.max(axis=1, initial=NEVER).astype(float)


def concatenate(parts: Sequence[Answers]) -> Answers:
    """One after the other; all with the same outputs."""
    every = zip(*(part.columns() for part in parts), strict=True)
    return Answers(*({name: np.concatenate([a[name] for a in arrays]) for name in arrays[0]} for arrays in every))
