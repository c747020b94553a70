"""From segments to probabilities: windows of 60 s, the network, and the windows' answers stacked.

Windows begin at whole multiples of their step since 1970, so that they do not depend on where a record happens to
begin, and a gap moves only those beside it. Two more make sure that no sample goes unseen: one begins with
the segment's first sample, one ends with its last. A segment shorter than a window is padded with zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from minieqt.data.normalise import normalise
from minieqt.errors import UserError
from minieqt.inference.monte_carlo import dropout_samples, mean_and_spread
from minieqt.inference.peaks import DETECTION_THRESHOLD, P_THRESHOLD, S_THRESHOLD
from minieqt.inference.predict import predict
from minieqt.model import EQTransformer
from minieqt.records.prepare import check_band
from minieqt.records.segment import Segment
from minieqt.records.span import SECOND
from minieqt.workers import in_order, kernels_may_meet, running_kernels

Array = Any

STACKS = ("max", "mean")
INSTRUMENTS = ("best", "all")
RULES = ("minieqt", "eqtransformer", "seisbench")
PICKS = ("detections", "all")


@dataclass(frozen=True)
class Settings:
    """How records are picked. UserError for values that make no sense together."""

    overlap: float = 0.5  # of two windows that follow each other
    stack: str = "max"  # "max" or "mean" where they overlap
    blind: int = 0  # samples ignored at either edge of a window, except at the ends of a segment
    band: tuple[float, float] | None = (1.0, 45.0)  # Hz; None: no filter
    detection_threshold: float = DETECTION_THRESHOLD
    p_threshold: float = P_THRESHOLD
    s_threshold: float = S_THRESHOLD
    batch_size: int = 32
    instruments: str = "best"  # of each station and day, or "all"
    samples: int = 0  # of Monte-Carlo dropout; 0: none
    seed: int = 0  # of those samples
    rule: str = "minieqt"  # from probabilities to events, or "eqtransformer", "seisbench": see `minieqt.picking.rules`
    detection_end: float | None = None  # a detection ends below this probability; None: half of its threshold
    join: float = 0.0  # s; detections with a shorter gap are one
    picks: str = "detections"  # those of detections, or "all" that reach their threshold

    def __post_init__(self) -> None:
        if not 0 <= self.overlap <= 0.95:
            raise UserError(f"the overlap of windows lies between 0 and 0.95, got {self.overlap}")
        if self.stack not in STACKS:
            raise UserError(f"windows are stacked by {' or '.join(STACKS)}, got {self.stack!r}")
        if self.instruments not in INSTRUMENTS:
            raise UserError(f"instruments are {' or '.join(INSTRUMENTS)}, got {self.instruments!r}")
        if self.rule not in RULES:
            raise UserError(f"rules are {', '.join(RULES)}, got {self.rule!r}")
        if self.picks not in PICKS:
            raise UserError(f"picks are those of {' or '.join(PICKS)}, got {self.picks!r}")
        if self.rule != "minieqt" and (self.detection_end is not None or self.join):
            raise UserError(f"the rule {self.rule} defines where a detection ends: leave out detection_end and join")
        if self.blind < 0 or self.batch_size < 1 or self.samples < 0:
            raise UserError("blind and samples must not be negative, and a batch holds at least one window")
        check_band(self.band)
        for name in ("detection", "p", "s"):
            threshold = getattr(self, f"{name}_threshold")
            if not 0 < threshold < 1:
                raise UserError(f"a threshold lies between 0 and 1, got {threshold} for {name}")
        if self.detection_end is not None and not 0 < self.detection_end <= self.detection_threshold:
            raise UserError(
                f"a detection ends at its threshold {self.detection_threshold} or below, and above 0, "
                f"got {self.detection_end}"
            )
        if not 0 <= self.join < float("inf"):
            raise UserError(f"detections are joined over a time of 0 s or more, got {self.join}")

    def step(self, length: int) -> int:
        """Samples from one window to the next. UserError if blinded edges leave some uncovered."""
        step = max(round(length * (1 - self.overlap)), 1)
        if step > length - 2 * self.blind:
            raise UserError(
                f"{self.blind} blinded samples at either edge leave gaps between windows of an overlap of "
                f"{self.overlap}: blind at most {(length - step) // 2}, or let windows overlap more"
            )
        return step


@dataclass
class Probabilities:
    """What the network says of a segment: mean (3, N) of detection, P, S; spread (3, N), None without samples."""

    mean: Array
    spread: Array | None = None


def window_starts(segment: Segment, length: int, step: int) -> list[int]:
    """The first samples of a segment's windows, in order."""
    last = segment.x.shape[1] - length
    if last <= 0:
        return [0]
    every = round(step / segment.rate * SECOND)  # nanoseconds
    starts = {0, last}
    time = -(-segment.start // every) * every
    while (start := round((time - segment.start) / SECOND * segment.rate)) < last:
        starts.add(start)
        time += every
    return sorted(starts)


def probabilities(
    segments: list[Segment],
    model: EQTransformer,
    settings: Settings,
    progress: Callable[[int], object] = lambda windows: None,
) -> list[Probabilities]:
    """Run a network in evaluation mode over segments; `progress` is called with the number of windows done."""
    length = model.length
    step = settings.step(length)
    found = [Probabilities(np.zeros(segment.x.shape, np.float32)) for segment in segments]
    counts = [np.zeros(segment.x.shape[1], np.float32) for segment in segments] if settings.stack == "mean" else None
    if settings.samples:
        for stacked in found:
            stacked.spread = np.zeros_like(stacked.mean)

    def answer(batch: tuple[int, list[tuple[int, int]]]) -> tuple[Array, Array | None]:
        first, places = batch
        x = np.stack([cut(segments[which], start, length) for which, start in places])
        x = normalise(x, model.config["normalisation"])
        with running_kernels():
            if not settings.samples:
                return predict(model, x), None
            mean, spread = mean_and_spread(dropout_samples(model, x, settings.samples, settings.seed, first))
            return mean.astype(np.float32), spread.astype(np.float32)

    # Monte-Carlo samples count in the model's own counters: one batch at a time.
    workers = numba.get_num_threads() if kernels_may_meet() and not settings.samples else 1
    todo = batches(segments, length, step, settings.batch_size)
    for (_, places), (mean, spread) in in_order(answer, todo, workers):
        for n, (which, start) in enumerate(places):
            stacked, T = found[which], segments[which].x.shape[1]
            left = 0 if start == 0 else settings.blind
            right = min(length, T) if start + length >= T else length - settings.blind
            place = np.s_[:, start + left : start + right]
            if counts is None:
                into, new = stacked.mean[place], mean[n, :, left:right]
                if spread is not None and stacked.spread is not None:
                    np.copyto(stacked.spread[place], spread[n, :, left:right], where=new > into)
                np.maximum(into, new, out=into)
            else:
                counts[which][place[1]] += 1
                stacked.mean[place] += mean[n, :, left:right]
                if spread is not None and stacked.spread is not None:
                    stacked.spread[place] += spread[n, :, left:right]
        progress(len(places))
    for stacked, count in zip(found, counts or [], strict=False):
        stacked.mean /= count
        if stacked.spread is not None:
            stacked.spread /= count
    return found


def batches(segments: list[Segment], length: int, step: int, size: int) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """(segment, first sample) of every window, `size` at a time, across segments, behind the number of the first."""
    places = [
        (which, start) for which, segment in enumerate(segments) for start in window_starts(segment, length, step)
    ]
    for first in range(0, len(places), size):
        yield first, places[first : first + size]


def cut(segment: Segment, start: int, length: int) -> Array:
    """One window (3, length), padded on the right with each component's mean, which normalisation takes off."""
    x = segment.x[:, start : start + length]
    missing = length - x.shape[1]
    if missing == 0:
        return x
    return np.concatenate([x, np.repeat(x.mean(axis=1, keepdims=True), missing, axis=1)], axis=1)
