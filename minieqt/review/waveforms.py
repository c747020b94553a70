"""What the page draws: records and probabilities between two times, in no more points than a screen has.

Up to ten minutes are read on demand, and the last few stretches are kept. A longer stretch is drawn from its whole day:
the least and the largest of every 16 samples, of every 64, and so on, computed once and kept for two days at a time.
For three components at 100 Hz they take 13 MB a day.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from minieqt.data.table import RATE
from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.picking.pick import NAMES
from minieqt.picking.probabilities import Settings, probabilities
from minieqt.picking.run import probability_file
from minieqt.records.archive import Archive, open_archive
from minieqt.records.channel import Instrument
from minieqt.records.left_out import LeftOut
from minieqt.records.segment import Segment, segments
from minieqt.records.selection import Selection, Station
from minieqt.records.serve import Groups, group
from minieqt.records.span import DAY, SECOND

Array = Any
Kept = TypeVar("Kept")

SHORT = 600 * SECOND  # what is read as it is wanted
MARGIN = 30 * SECOND  # read beyond both ends of it, for the filter and the network's windows
FINEST, FACTOR = 16, 4  # samples of a day's finest level; how many of one level make one of the next
POINTS = 3000  # of a curve: more than a screen has
STRETCHES, DAYS = 64, 2  # kept


@dataclass
class Curves:
    """time (N,) in nanoseconds, x and probability (3, N): E, N, Z; detection, P, S. NaN where there is nothing."""

    time: Array
    x: Array
    probability: Array | None


class Waveforms:
    """Reads records on demand. `band`: of the filter (Hz); without a model no probabilities are computed."""

    def __init__(self, archive: Archive, out: Path, band: tuple[float, float] | None, model: EQTransformer | None):
        self.archive, self.out, self.band, self.model = archive, out, band, model
        if model is not None:
            model.eval()
        self._read: OrderedDict[Any, list[Segment]] = OrderedDict()
        self._answers: OrderedDict[Any, Array | None] = OrderedDict()
        self._days: OrderedDict[Any, list[tuple[Array, Array]]] = OrderedDict()
        self._files: dict[Path, Archive | None] = {}

    def curves(self, at: Instrument, start: int, end: int, filtered: bool = True) -> Curves:
        """Between two times (nanoseconds): samples where they fit the screen, else envelopes, least and largest.

        What is longer than SHORT is cut to the day in which its middle lies.
        """
        if end - start <= SHORT:
            curves = self.samples(at, start, end, filtered)
            stretch = at, *whole(start, end)
            probability = keep(self._answers, stretch, STRETCHES, lambda: self._probability(*stretch))
            return thinned(replace(curves, probability=probability))
        day = (start + end) // 2 // DAY * DAY
        levels = keep(self._days, (at, day, filtered), DAYS, lambda: self._levels(at, day, filtered))
        return from_levels(levels, day, max(start, day), min(end, day + DAY))

    def samples(self, at: Instrument, start: int, end: int, filtered: bool = True) -> Curves:
        """Every sample of at most SHORT, without probabilities."""
        start, end = whole(start, end)
        time = start + (np.arange(round((end - start) / SECOND * RATE)) / RATE * SECOND).astype(np.int64)
        found = self._stretch(at, start, end, filtered)
        return Curves(time, placed(((each.start, each.x) for each in found), start, len(time)), None)

    def recorded(self, start: int, end: int) -> list[Station]:
        """The stations that have data between two times."""
        entries = self.archive.entries.items()
        return [name for name, held in entries if any(each.start < end and start < each.end for each in held)]

    def _stretch(self, at: Instrument, start: int, end: int, filtered: bool) -> list[Segment]:
        """What lies between two times and MARGIN beyond them, kept for a while."""
        key = at, start - MARGIN, end + MARGIN, filtered
        return keep(self._read, key, STRETCHES, lambda: self._segments(*key))

    def _segments(self, at: Instrument, start: int, end: int, filtered: bool) -> list[Segment]:
        station = at.network, at.station
        if station not in self.archive.entries:
            return []
        band = self.band if filtered else None
        groups = group(self.archive.read(station, start, end), LeftOut(), band)
        chosen = choose(groups, at)
        return [] if chosen is None else segments(groups.pop(chosen), band)

    def _probability(self, at: Instrument, start: int, end: int) -> Array | None:
        """From pick's own files, else from the network, where there is one; (3, N)."""
        N = round((end - start) / SECOND * RATE)
        stored = self._stored(at, start, end)
        if stored is not None:
            return placed(stored, start, N)
        if self.model is None:
            return None
        found = self._stretch(at, start, end, True)
        answers = probabilities(found, self.model, Settings(band=self.band)) if found else []
        return placed(((s.start, answer.mean) for s, answer in zip(found, answers, strict=True)), start, N)

    def _stored(self, at: Instrument, start: int, end: int) -> list[tuple[int, Array]] | None:
        """(first nanosecond, rows with NaN but one) of the probability files; None if one of the days has none."""
        pieces = []
        for day in range(start // DAY * DAY, end, DAY):
            file = self._file(probability_file(self.out, at, day))
            if file is None:
                return None
            for trace in file.read((at.network, at.station), start, end):
                if trace.stats.channel in NAMES:
                    rows = np.full((3, len(trace.data)), np.nan, np.float32)
                    rows[NAMES.index(trace.stats.channel)] = trace.data
                    pieces.append((trace.stats.starttime.ns, rows))
        return pieces

    def _file(self, path: Path) -> Archive | None:
        if path not in self._files:
            try:
                self._files[path] = open_archive([path], Selection()) if path.is_file() else None
            except UserError:  # damaged: the network is asked instead
                self._files[path] = None
        return self._files[path]

    def _levels(self, at: Instrument, day: int, filtered: bool) -> list[tuple[Array, Array]]:
        """[(least, largest)] of a day, (6, N) each: E, N, Z, detection, P, S; the finest first."""
        N = round(DAY / SECOND * RATE)
        found = self._segments(at, day, day + DAY, filtered)
        rows = [bins(placed(((s.start, s.x) for s in found), day, N), FINEST)]
        del found
        stored = self._stored(at, day, day + DAY)
        of_network = placed(stored, day, N) if stored else np.full((3, N), np.nan, np.float32)
        rows.append(bins(of_network, FINEST))
        low, high = (np.concatenate([each[side] for each in rows]) for side in (0, 1))
        levels = [(low, high)]
        while levels[-1][0].shape[1] > POINTS:
            low, high = levels[-1]
            levels.append((bins(low, FACTOR)[0], bins(high, FACTOR)[1]))
        return levels


def keep(kept: OrderedDict[Any, Kept], key: Any, most: int, make: Callable[[], Kept]) -> Kept:
    """The value kept for a key, made if need be; beyond `most`, the least recently used is dropped."""
    if key not in kept:
        kept[key] = make()
        if len(kept) > most:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


def whole(start: int, end: int) -> tuple[int, int]:
    """A stretch that is read, of whole MARGINs: the same again if the view moves a little."""
    return start // MARGIN * MARGIN, -(-end // MARGIN) * MARGIN


def choose(groups: Groups, at: Instrument) -> Instrument | None:
    """The instrument itself; or one of its band; or the best there is."""
    if at in groups:
        return at
    return min(groups, key=lambda other: (other.band != at.band, other.rank()), default=None)


def placed(pieces: Any, start: int, N: int) -> Array:
    """(first nanosecond, rows (3, n)) -> (3, N) from `start` on; NaN where there is nothing."""
    rows = np.full((3, N), np.nan, np.float32)
    for first, x in pieces:
        at = round((first - start) / SECOND * RATE)
        left, right = max(at, 0), min(at + x.shape[1], N)
        if right > left:
            part, into = x[:, left - at : right - at], rows[:, left:right]
            np.copyto(into, part, where=np.isnan(into))
    return rows


def bins(x: Array, size: int) -> tuple[Array, Array]:
    """x (R, N) -> the least and the largest of every `size` samples, (R, ceil(N / size)); NaN where all are."""
    starts = np.arange(0, x.shape[1], size)
    return np.fmin.reduceat(x, starts, axis=1), np.fmax.reduceat(x, starts, axis=1)


def thinned(curves: Curves) -> Curves:
    """As many points as a screen has: samples, or least and largest in turn."""
    size = -(-2 * len(curves.time) // POINTS)
    if size <= 2:
        return curves
    time = curves.time[::size]
    probability = None if curves.probability is None else np.repeat(bins(curves.probability, size)[1], 2, axis=1)
    return Curves(np.repeat(time, 2), in_turn(*bins(curves.x, size)), probability)


def from_levels(levels: list[tuple[Array, Array]], day: int, start: int, end: int) -> Curves:
    """The finest level that fits the screen."""
    samples = (end - start) / SECOND * RATE
    which = next((k for k in range(len(levels)) if samples / (FINEST * FACTOR**k) <= POINTS), len(levels) - 1)
    step = FINEST * FACTOR**which / RATE * SECOND  # nanoseconds
    low, high = levels[which]
    first, last = int((start - day) // step), min(int(-(-(end - day) // step)), low.shape[1])
    time = day + (np.arange(first, last) * step).astype(np.int64)
    cut = np.s_[:, first:last]
    probability = np.repeat(high[3:][cut], 2, axis=1)
    return Curves(np.repeat(time, 2), in_turn(low[:3][cut], high[:3][cut]), probability)


def in_turn(low: Array, high: Array) -> Array:
    """(R, N) twice -> (R, 2 N): low, high, low, high …"""
    return np.stack([low, high], axis=2).reshape(len(low), -1)
