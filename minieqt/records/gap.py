"""What is no data: masked, NaN and infinite samples, fill values, a value that is repeated, a channel without signal.

Data loggers and servers fill an interruption with zeros or with the last value, and a channel whose cable is off gives
one value for days, in float64 with the last bit flickering. Such a stretch of REPEATED seconds or more is a gap. But a
channel that resolves the ground's motion coarsely repeats itself while all is quiet: where half of its steps are the
smallest there is, only what lasts as long as COARSE is a gap. Where NumPy, netCDF and others have no number they write
one of 1e20 or more; no measurement is beyond LARGEST: the counts of 32 bits end at 2e9, and 10 g are 1e14 pm/s².
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from obspy import Trace

from minieqt.records.channel import of_no_use
from minieqt.records.left_out import LeftOut
from minieqt.records.span import duration

Array = Any

REPEATED = 0.5  # s
FEWEST = 20  # samples that a repeated value takes at least
COARSE = 600.0  # s
LARGEST = 1e15  # what floating-point data may hold, in counts or any unit
ROUNDING = 8 * np.finfo(np.float64).eps  # how far float64 is from itself after some arithmetic

CONSTANT = "one value repeated"
NO_NUMBER = "NaN, infinite or beyond 1e15"
TEXT = "data that are no numbers"


@dataclass
class Piece:
    """One channel without a gap: data (N,), start in nanoseconds, rate in Hz, its code NET.STA.LOC.CHA.

    `anchors` are the clock's time stamps, (sample, nanoseconds), from the first sample to one after the last; if empty,
    the start and the rate give all times.
    """

    start: int
    rate: float
    data: Array
    id: str = ""
    anchors: list[tuple[float, int]] = field(default_factory=list)

    def time(self, sample: int) -> int:
        """When a sample was taken, by start and rate."""
        return self.start + duration(sample, self.rate)

    def end(self) -> int:
        """One sample after the last."""
        return self.anchors[-1][1] if self.anchors else self.time(len(self.data))

    def cut(self, first: int, last: int) -> Piece:
        """The samples from `first` to before `last`."""
        return Piece(self.time(first), self.rate, self.data[first:last], self.id)


def pieces(trace: Trace, left_out: LeftOut, band: tuple[float, float] | None = None) -> Iterator[Piece]:
    """The stretches of a trace that hold data which a band-pass (Hz) does not take away; `left_out` gets the others."""
    start, rate, samples = trace.stats.starttime.ns, float(trace.stats.sampling_rate), len(trace.data)
    if samples == 0:
        return
    whole = Piece(start, rate, np.ma.getdata(trace.data), trace.id)
    there = ~np.ma.getmaskarray(trace.data) if np.ma.isMaskedArray(trace.data) else None
    if reason := of_no_use(rate, band):
        spans = [(start, start + (duration(samples, rate) if rate > 0 else 1))]
        if there is not None and rate > 0:  # what is masked was never recorded
            spans = [(part.start, part.end()) for part in where(whole, there)]
        for span in spans:
            left_out.record(*span)
            left_out.leave(trace.id, *span, reason)
        return
    for part in where(whole, there):
        left_out.record(part.start, part.end())
        if part.data.dtype.kind not in "iuf":
            left_out.leave(part.id, part.start, part.end(), TEXT)
            continue
        known = numbers(part.data)
        if known is not None and not known.all():
            for bad in where(part, ~known):
                left_out.leave(bad.id, bad.start, bad.end(), NO_NUMBER)
        for good in where(part, known):
            yield from varying(good, left_out)


def numbers(data: Array) -> Array | None:
    """Which of some data (N,) a sensor may have measured; None for integers, all of which it may."""
    if data.dtype.kind != "f":
        return None
    largest = min(LARGEST, float(np.finfo(data.dtype).max))
    known: Array = (data >= -largest) & (data <= largest)
    return known


def where(piece: Piece, good: Array | None) -> Iterator[Piece]:
    """The stretches of a piece in which `good` (N,) is true; all of it without."""
    if good is None or good.all():
        yield piece
        return
    edges = np.flatnonzero(np.diff(good, prepend=False, append=False))
    for first, last in edges.reshape(-1, 2).tolist():
        yield piece.cut(first, last)


def varying(piece: Piece, left_out: LeftOut) -> Iterator[Piece]:
    """A piece without the stretches that repeat one value."""
    done = 0
    for first, last in repeated(piece.data, piece.rate):
        if first > done:
            yield piece.cut(done, first)
        left_out.leave(piece.id, piece.time(first), piece.time(last), CONSTANT)
        done = last
    if done < len(piece.data):
        yield piece.cut(done, len(piece.data)) if done else piece


def repeated(data: Array, rate: float) -> list[tuple[int, int]]:
    """(first, one after the last) of every stretch of data (N,) that repeats one value and is no data for that."""
    least = max(round(REPEATED * rate), FEWEST)
    found = constant(data, least)
    if found:
        quiet = np.zeros(len(data), bool)
        for first, last in found:
            quiet[first:last] = True
        steps = np.abs(np.diff(data[~quiet].astype(np.float64)))
        steps = steps[steps > 0]
        if len(steps) and np.median(steps) <= 1.5 * steps.min():
            found = [(first, last) for first, last in found if last - first >= COARSE * rate]
    return found


def constant(data: Array, least: int) -> list[tuple[int, int]]:
    """Every stretch of at least so many equal samples; such a stretch holds a whole block of half as many."""
    size = max(least // 2, 1)
    blocks = data[: len(data) // size * size].reshape(-1, size)
    same = np.flatnonzero(close(blocks[:, 0], blocks[:, -1]))  # few, so that the rest of the work is little
    same = same[close(blocks[same], blocks[same, :1]).all(axis=1)]
    found: list[tuple[int, int]] = []
    for block in same.tolist():
        first, last = block * size, (block + 1) * size
        if found and first <= found[-1][1] and close(data[found[-1][0]], data[first]):
            first = found.pop()[0]
        else:
            before = ~close(data[max(first - size, 0) : first], data[first])
            first -= int(before[::-1].argmax()) if before.any() else len(before)
        after = ~close(data[last : last + size], data[first])
        last += int(after.argmax()) if after.any() else len(after)
        found.append((first, last))
    return [(first, last) for first, last in found if last - first >= least]


def close(x: Array, y: Array) -> Array:
    """Whether values are the same, in float64 but for rounding."""
    if x.dtype == np.float64:
        return np.abs(x - y) <= ROUNDING * np.abs(y)
    return x == y
