"""From ObsPy traces to what the network reads: segments of three components at 100 Hz, without a gap.

    group       traces of one station, location and instrument belong together
    choose      the best instrument of a station stays, or all of them
    join        pieces of one channel become one, whatever files they came in; where they overlap, the first stays
    prepare     demean, band-pass, resample to 100 Hz
    segments    components onto one time axis (E, N, Z); a missing one is zero; a gap in all of them ends a segment

Times are whole nanoseconds since 1970, as UTCDateTime keeps them: sums of them never round.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

import numba
import numpy as np
from obspy import Trace
from scipy import signal

from minieqt.records.channel import RATE, Instrument, components, outside, split_channel, usable_rate
from minieqt.records.span import SECOND
from minieqt.workers import in_order

Array = Any

ORDER = "ENZ"
BLOCK = 2**16  # samples that are filtered at a time: as many as the processor keeps at hand


@dataclass
class Piece:
    """One channel without a gap: data (N,), start in nanoseconds, rate in Hz."""

    start: int
    rate: float
    data: Array

    def end(self) -> int:
        """One sample after the last."""
        return self.start + round(len(self.data) / self.rate * SECOND)


@dataclass
class Segment:
    """Three components without a gap in all of them: x (3, N) float32 in the order E, N, Z."""

    start: int
    rate: float
    x: Array

    def time(self, sample: float) -> int:
        """A sample's time in nanoseconds."""
        return self.start + round(sample / self.rate * SECOND)


# -- grouping ----------------------------------------------------------------------------------------------------


def group(traces: Iterable[Trace], skipped: Counter[str] | None = None) -> dict[Instrument, dict[str, list[Trace]]]:
    """{instrument: {component: its traces}}; traces that cannot be used are counted in `skipped` by reason."""
    skipped = Counter() if skipped is None else skipped
    found: dict[Instrument, dict[str, list[Trace]]] = {}
    for trace in traces:
        stats = trace.stats
        band, letter = split_channel(stats.channel)
        if stats.npts == 0:
            continue
        if not usable_rate(stats.sampling_rate):
            skipped[outside(stats.sampling_rate)] += 1
        elif trace.data.dtype.kind not in "iuf":
            skipped["data that are no numbers"] += 1
        else:
            instrument = Instrument(stats.network, stats.station, stats.location, band)
            found.setdefault(instrument, {}).setdefault(letter, []).append(trace)
    groups = {}
    for instrument, letters in found.items():
        names = components(letters)
        for letter in letters.keys() - names.keys():
            skipped[f"channel {instrument.band}{letter}, no component that is known"] += len(letters[letter])
        merged: dict[str, list[Trace]] = {}
        for letter in sorted(names):
            merged.setdefault(names[letter], []).extend(letters[letter])
        if merged:
            groups[instrument] = merged
    return groups


def choose_instruments(groups: Mapping[Instrument, Collection[str]], which: str) -> list[Instrument]:
    """{instrument of one station: its components} -> all of them, in order of their names, or the best one alone.

    The best has most components; among equals, high-gain broadband comes first, and the first location.
    """
    if which == "all":
        return sorted(groups)
    return sorted(groups, key=lambda instrument: (-len(groups[instrument]), instrument.rank()))[:1]


# -- one channel -------------------------------------------------------------------------------------------------


def runs(trace: Trace) -> Iterable[Piece]:
    """The stretches of a trace that hold data: not masked, not NaN, not infinite."""
    data, start, rate = trace.data, trace.stats.starttime.ns, float(trace.stats.sampling_rate)
    good = ~np.ma.getmaskarray(data) if np.ma.isMaskedArray(data) else None
    data = np.ma.getdata(data)
    if data.dtype.kind == "f" and not np.isfinite(data).all():
        good = np.isfinite(data) if good is None else good & np.isfinite(data)
    if good is None:
        yield Piece(start, rate, data)
        return
    edges = np.flatnonzero(np.diff(good, prepend=False, append=False))
    for first, last in edges.reshape(-1, 2):
        yield Piece(start + round(first / rate * SECOND), rate, data[first:last])


def join(traces: Iterable[Trace]) -> list[Piece]:
    """The traces of one channel -> as few pieces as there are; data keep their type.

    The order of the traces does not matter: a piece begins with the earliest, and samples that are there already
    stay. A start that is off by less than half a sample is taken as rounded. One missing sample is no gap but a
    clock's correction: it is bridged by the mean of its neighbours.
    """
    pieces = sorted((run for trace in traces for run in runs(trace)), key=lambda run: (run.start, -len(run.data)))
    joined: list[Piece] = []
    parts: list[list[Array]] = []
    length = 0
    for run in pieces:
        if joined and run.rate == joined[-1].rate:
            at = round((run.start - joined[-1].start) / SECOND * run.rate)
            if at <= length + 1:
                new = run.data[max(length - at, 0) :]
                if at > length:
                    parts[-1].append(np.array([(float(parts[-1][-1][-1]) + float(new[0])) / 2]))
                    length += 1
                if len(new):
                    parts[-1].append(new)
                    length += len(new)
                continue
        joined.append(run)
        parts.append([run.data])
        length = len(run.data)
    return [
        Piece(first.start, first.rate, held[0] if len(held) == 1 else np.concatenate(held))
        for first, held in zip(joined, parts, strict=True)
    ]


def prepare(piece: Piece, band: tuple[float, float] | None) -> Piece:
    """Demean, band-pass between two corners (Hz, Butterworth of two corners, zero phase; None: leave out), resample.

    Where the upper corner lies beyond what the rate can carry it is a high-pass. The new rate is the nearest to
    100 Hz that whole numbers up to 100 give, and exactly that wherever it can be; data already there keep theirs.
    """
    if band is None:
        data = (piece.data - piece.data.mean(dtype=np.float64)).astype(np.float32)
    else:
        nyquist = piece.rate / 2
        kind, corners = ("bandpass", band) if band[1] < 0.99 * nyquist else ("highpass", band[0])
        data = filter_both_ways(signal.butter(2, corners, kind, fs=piece.rate, output="sos"), piece)
    ratio = Fraction(RATE / piece.rate).limit_denominator(100)
    if ratio != 1:
        data = signal.resample_poly(data, ratio.numerator, ratio.denominator)
    return Piece(piece.start, float(piece.rate * ratio), data.astype(np.float32, copy=False))


def filter_both_ways(sections: Array, piece: Piece) -> Array:
    """`scipy.signal.sosfiltfilt` of a piece's data (N,) less their mean -> (N,) float32, in float64, block by block.

    Forwards, then backwards, over the data and the odd reflection of a second at either end. Between the two passes
    the data are float32, when what lies outside the band is gone; so a day needs no copies in float64.
    """
    data, mean = piece.data, piece.data.mean(dtype=np.float64)
    y = np.empty(len(data), np.float32)
    count = min(round(piece.rate), len(data) - 1)
    left = 2 * np.float64(data[0]) - data[count:0:-1]
    right = 2 * np.float64(data[-1]) - data[-2 : -2 - count : -1]
    blocks = [slice(first, first + BLOCK) for first in range(0, len(data), BLOCK)]
    before = [part for part in (left, *(data[block] for block in blocks), right) if len(part)]
    after = [part for part in (left.copy(), *(y[block] for block in blocks), right.copy()) if len(part)]
    start = signal.sosfilt_zi(sections)
    state = start * (before[0][0] - mean)
    for part, into in zip(before, after, strict=True):
        into[:], state = signal.sosfilt(sections, part - mean, zi=state)
    state = start * after[-1][-1]
    for part in reversed(after):
        part[::-1], state = signal.sosfilt(sections, part[::-1], zi=state)
    return y


# -- three channels ----------------------------------------------------------------------------------------------


def segments(traces: dict[str, list[Trace]], band: tuple[float, float] | None = (1.0, 45.0)) -> list[Segment]:
    """{component: traces} of one instrument -> segments in order of time, prepared as in `prepare`.

    `traces` is empty afterwards: each channel's data, where nobody else holds them, go as soon as they are prepared.
    """

    def channel(component: str) -> list[tuple[int, Piece]]:
        return [(ORDER.index(component), prepare(piece, band)) for piece in join(traces.pop(component))]

    prepared = (pieces for _, pieces in in_order(channel, list(traces), numba.get_num_threads()))
    pieces = deque(sorted(chain.from_iterable(prepared), key=start_of))
    found = []
    while pieces:
        together = deque([pieces.popleft()])
        end = together[0][1].end()
        while pieces and (pieces[0][1].start - end) / SECOND * pieces[0][1].rate < 0.5:
            end = max(end, pieces[0][1].end())
            together.append(pieces.popleft())
        found.append(place(together))
    return found


def start_of(pair: tuple[int, Piece]) -> int:
    """When the piece of (row, piece) begins."""
    return pair[1].start


def place(pieces: deque[tuple[int, Piece]]) -> Segment:
    """(row, piece) that overlap in time -> one segment, each piece at its nearest sample. Used pieces go at once."""
    start, rate = pieces[0][1].start, pieces[0][1].rate
    places = [round((piece.start - start) / SECOND * rate) for _, piece in pieces]
    length = max(at + len(piece.data) for at, (_, piece) in zip(places, pieces, strict=True))
    x = np.zeros((3, length), np.float32)
    for at in places:
        row, piece = pieces.popleft()
        x[row, at : at + len(piece.data)] = piece.data
    return Segment(start, rate, x)
