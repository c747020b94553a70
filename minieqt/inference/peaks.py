"""From probabilities to samples: the highest peak of a pick, the runs of a detection.

Nothing here knows about earthquakes: probability over time goes in, sample numbers come out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

# Mousavi et al. (2020) and their published code.
DETECTION_THRESHOLD, P_THRESHOLD, S_THRESHOLD = 0.3, 0.1, 0.1
THRESHOLDS = {"detection": DETECTION_THRESHOLD, "P": P_THRESHOLD, "S": S_THRESHOLD}
MINIMUM_LENGTH = 10


def peaks(probability: Array, threshold: float) -> tuple[Array, Array]:
    """Every local maximum that reaches the threshold, in order.

    probability (T,) -> sample (N,) int64, height (N,). A peak has a lower sample on either side; a run of equal
    samples with lower ones on both sides is one peak, at its middle (the earlier of two): a network that saturates
    at 1 is picked in the middle of its plateau. What touches the first or the last sample, or NaN ("no data here"),
    may still be rising there and is no peak, as in the published code.
    """
    probability = np.asarray(probability)
    high = np.flatnonzero(probability[1:-1] >= threshold) + 1  # few: the rest of a day is not looked at again
    before, value, after = probability[high - 1], probability[high], probability[high + 1]
    start = high[value > before]  # the curve rises to a sample, maybe the first of some equal ones …
    end = high[~(value == after) | (high == len(probability) - 2)]  # … and every run of equal ones has its last
    end = end[np.searchsorted(end, start)]
    found = (probability[start] == probability[end]) & (probability[end] > probability[end + 1])
    return (start[found] + end[found]) // 2, probability[start[found]]


def highest_peak(probability: Array, threshold: float) -> tuple[int, float] | None:
    """(sample, height) of the highest peak of probability (T,), the first of equals; None if there is none."""
    samples, heights = peaks(probability, threshold)
    if len(samples) == 0:
        return None
    highest = heights.argmax()
    return int(samples[highest]), float(heights[highest])


def highest_peaks(probability: Array, threshold: float) -> Array:
    """The sample of each row's highest peak: probability (B, T) -> (B,) int64, -1 where a row has none."""
    found = (highest_peak(row, threshold) for row in probability)
    return np.array([-1 if peak is None else peak[0] for peak in found], np.int64)


def detection_runs(
    detection: Array,
    threshold: float = DETECTION_THRESHOLD,
    minimum_length: int = MINIMUM_LENGTH,
    end: float | None = None,
) -> Array:
    """Where detection reaches the threshold and from there on stays at or over `end` (the threshold, if not given).

    detection (T,) -> (R, 2) int64, one row per run: its first sample and the one after its last. NaN ends one. Shorter
    runs than `minimum_length` samples are none.
    """
    detection = np.asarray(detection)
    reached = np.flatnonzero(detection >= threshold)
    above = np.zeros(len(detection) + 2, np.int8)  # one sample below at either end closes every run
    above[1:-1] = detection >= (threshold if end is None else end)
    change = np.diff(above)
    first, last = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    begin = np.append(reached, len(detection))[np.searchsorted(reached, first)]  # where each reaches the threshold
    runs = np.stack([begin, last], axis=1)
    return runs[runs[:, 1] - runs[:, 0] >= max(minimum_length, 1)]
