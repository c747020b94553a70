"""From samples to events and picks: what is known of each detection and pick that a rule has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from obspy import UTCDateTime

from minieqt.picking.probabilities import Probabilities, Settings
from minieqt.picking.rules import candidates
from minieqt.records.channel import Instrument
from minieqt.records.segment import Segment

Array = Any

SNR_WINDOW = 2.0  # s, before and after a pick
WIDTH_TO_DEVIATION = 2 * np.sqrt(2 * np.log(2))  # of a Gaussian: its full width at half its height


@dataclass(frozen=True)
class Pick:
    """An arrival at a station. `uncertainty` is the probability's spread (None without Monte-Carlo samples),
    `time_uncertainty` in seconds the peak's width as a Gaussian's standard deviation, `snr` in decibels."""

    instrument: Instrument
    channel: str
    phase: str  # "P" or "S"
    time: UTCDateTime
    probability: float
    uncertainty: float | None
    time_uncertainty: float
    snr: float | None


@dataclass(frozen=True)
class Event:
    """A detection at a station: from `start` to `end`; probability is its mean over the detection."""

    instrument: Instrument
    start: UTCDateTime
    end: UTCDateTime
    probability: float
    uncertainty: float | None
    p: Pick | None = None
    s: Pick | None = None

    def picks(self) -> list[Pick]:
        """P, then S, as far as they are there."""
        return [pick for pick in (self.p, self.s) if pick is not None]


def find_events(
    instrument: Instrument,
    segment: Segment,
    found: Probabilities,
    settings: Settings,
) -> tuple[list[Event], list[Pick]]:
    """The events of one segment, in order of time; the other picks, if they are wanted, P before S."""
    detection = found.mean[0]
    rate, T = segment.rate, segment.x.shape[1]

    def make(phase: str, sample: int) -> Pick:
        row = 1 if phase == "P" else 2
        wanted = "ZNE" if phase == "P" else "NEZ"
        return Pick(
            instrument,
            segment.channel(wanted, segment.time(sample)),
            phase,
            UTCDateTime(ns=segment.time(sample)),
            float(found.mean[row, sample]),
            None if found.spread is None else float(found.spread[row, sample]),
            peak_width(found.mean[row], sample) / WIDTH_TO_DEVIATION / rate,
            signal_to_noise(segment.x, sample, round(SNR_WINDOW * rate)),
        )

    detections, samples = candidates(found.mean, settings, rate)
    events = [
        Event(
            instrument,
            UTCDateTime(ns=segment.time(start)),
            UTCDateTime(ns=segment.time(min(end, T - 1))),
            float(detection[start:end].mean()),
            None if found.spread is None else float(found.spread[0, start:end].mean()),
            None if p is None else make("P", p),
            None if s is None else make("S", s),
        )
        for start, end, p, s in detections
    ]
    if settings.picks != "all" and settings.rule != "seisbench":
        return events, []
    used = {"P": {each.p for each in detections}, "S": {each.s for each in detections}}
    return events, [make(phase, int(n)) for phase, of in samples.items() for n in of if int(n) not in used[phase]]


def peak_width(probability: Array, sample: int) -> float:
    """Full width at half height, in samples, of the peak at `sample`; straight lines between samples."""
    half = probability[sample] / 2

    def reach(side: Array) -> float:
        """How far along `side`, which begins with the peak itself, the curve stays above half."""
        below = np.flatnonzero(side <= half)
        if len(below) == 0:
            return float(len(side))
        k = int(below[0])
        return float(k - 1 + (side[k - 1] - half) / (side[k - 1] - side[k]))

    return reach(probability[sample : sample + 500]) + reach(probability[max(sample - 500, 0) : sample + 1][::-1])


def signal_to_noise(x: Array, sample: int, length: int) -> float | None:
    """10 log10 of (95th percentile of |x| after the pick / before)², all components together; None without data."""
    before, after = np.abs(x[:, max(sample - length, 0) : sample]), np.abs(x[:, sample : sample + length])
    if before.size == 0 or after.size == 0:
        return None
    noise, strength = np.percentile(before, 95), np.percentile(after, 95)
    return float(20 * np.log10(strength / noise)) if noise > 0 and strength > 0 else None
