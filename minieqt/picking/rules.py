"""From probabilities to samples: which detections there are, and which P and S belong to each. Three rules by name.

`minieqt`, the default, counts as an analyst would. A detection begins where its probability reaches the threshold and
ends where it falls below a lower one (hysteresis), so that hovering about the threshold does not split it; detections
with a gap shorter than a given time may be joined. P and S are picked once in every such run of their own probability,
at its highest peak. In a detection one or more P followed by one or more S make a pair, the highest of each; where
another pair follows, the detection is cut at its P, so that every earthquake of a swarm is an event. Without a pair the
picks are those of `eqtransformer`.

`eqtransformer`, as published: a detection ends where it falls below its threshold. Its S is the highest S peak inside;
its P the highest P peak from one second before its start to 0.1 s before that S (to its end, if there is no S).

`seisbench`: detections, P and S are ObsPy's triggers, on at the threshold and off below half of it, picked at the
highest sample. In SeisBench no pick belongs to a detection; here a detection has those that `eqtransformer` chooses.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np

from minieqt.inference.peaks import MINIMUM_LENGTH, detection_runs, peaks
from minieqt.picking.probabilities import Settings

Array = Any

BEFORE_START = 1.0  # s, how long before a detection its P may be
BEFORE_S = 0.1  # s, how long before S a P must be


class Candidate(NamedTuple):
    """A detection from sample `start` to before `end`, and the samples of its picks."""

    start: int
    end: int
    p: int | None
    s: int | None


class Peaks(NamedTuple):
    """Where a phase may be picked, in order: sample (N,) int64, height (N,)."""

    samples: Array
    heights: Array

    def between(self, first: int, last: int) -> Peaks:
        """Those with first ≤ sample < last."""
        begin, end = np.searchsorted(self.samples, [first, max(first, last)])
        return Peaks(self.samples[begin:end], self.heights[begin:end])

    def highest(self) -> int | None:
        """The sample of the highest, the earlier of equals; None if there is none."""
        return int(self.samples[self.heights.argmax()]) if len(self.samples) else None


def candidates(probability: Array, settings: Settings, rate: float) -> tuple[list[Candidate], dict[str, Array]]:
    """Of probability (3, T) of detection, P, S at `rate` Hz, the detections; then the samples of all P and S."""
    detection, p, s = probability
    found_p, found_s = find_peaks(p, settings.p_threshold, settings), find_peaks(s, settings.s_threshold, settings)
    before_start, before_s = round(BEFORE_START * rate), round(BEFORE_S * rate)
    found, free = [], 0  # free: where the previous detection has ended
    for start, end in find_detections(detection, settings, rate):
        own_p, own_s = found_p.between(max(start - before_start, free), end), found_s.between(start, end)
        pairs = []
        if settings.rule == "minieqt":
            pairs, free = find_pairs(own_p, own_s, before_s), end  # no pick belongs to two detections
        if pairs:
            cuts = [start, *(p_sample for p_sample, _ in pairs[1:]), end]
            found += [Candidate(*edges, *pair) for edges, pair in zip(pairwise(cuts), pairs, strict=True)]
        else:
            found.append(Candidate(start, end, *choose(own_p, own_s, before_s)))
    return found, {"P": found_p.samples, "S": found_s.samples}


def find_detections(detection: Array, settings: Settings, rate: float) -> list[tuple[int, int]]:
    """(first sample, the one after the last) of every detection, in order of time."""
    threshold = settings.detection_threshold
    if settings.rule == "eqtransformer":
        return detection_runs(detection, threshold).tolist()
    if settings.rule == "seisbench":
        return detection_runs(detection, threshold, 1, threshold / 2).tolist()
    end = threshold / 2 if settings.detection_end is None else settings.detection_end
    runs = join(detection_runs(detection, threshold, 1, end), settings.join * rate)
    return runs[runs[:, 1] - runs[:, 0] >= MINIMUM_LENGTH].tolist()


def join(runs: Array, gap: float) -> Array:
    """Runs (R, 2) in order -> those that follow each other after less than `gap` samples made one."""
    apart = runs[1:, 0] - runs[:-1, 1] >= gap
    ends = np.full(min(len(runs), 1), True)  # the first begins one, the last ends one
    return np.stack([runs[np.append(ends, apart), 0], runs[np.append(apart, ends), 1]], axis=1)


def find_peaks(probability: Array, threshold: float, settings: Settings) -> Peaks:
    """Where P or S may be picked."""
    found = Peaks(*peaks(probability, threshold))
    if settings.rule == "eqtransformer":
        return found
    runs = detection_runs(probability, threshold, 1, threshold / 2)
    if settings.rule == "seisbench":
        samples = [first + int(probability[first:last].argmax()) for first, last in runs]
    else:
        chosen = (found.between(first, last).highest() for first, last in runs)
        samples = [sample for sample in chosen if sample is not None]
    places = np.array(samples, np.int64)
    return Peaks(places, probability[places])


def choose(p: Peaks, s: Peaks, before_s: int) -> tuple[int | None, int | None]:
    """The highest S, and the highest P at least `before_s` samples before it."""
    s_sample = s.highest()
    return (p if s_sample is None else p.between(0, s_sample - before_s + 1)).highest(), s_sample


def find_pairs(p: Peaks, s: Peaks, before_s: int) -> list[tuple[int, int]]:
    """(P, S) of every stretch of some P followed by some S."""
    order = sorted([(int(sample), "P") for sample in p.samples] + [(int(sample), "S") for sample in s.samples])
    groups = [(phase, [sample for sample, _ in each]) for phase, each in groupby(order, lambda pick: pick[1])]
    pairs = []
    for (phase, first), (_, then) in pairwise(groups):
        if phase == "P":
            one, other = choose(p.between(first[0], first[-1] + 1), s.between(then[0], then[-1] + 1), before_s)
            if one is not None and other is not None:
                pairs.append((one, other))
    return pairs
