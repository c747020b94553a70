"""Three components side by side: segments at 100 Hz, E, N, Z, without a gap in all of them.

A missing component is zero. Times are whole nanoseconds since 1970, as UTCDateTime keeps them: sums never round.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numba
import numpy as np

from minieqt.data.table import RATE
from minieqt.records.clock import on_clock
from minieqt.records.gap import Piece
from minieqt.records.join import join
from minieqt.records.left_out import LeftOut
from minieqt.records.prepare import prepare
from minieqt.records.span import SECOND, Span, common
from minieqt.workers import in_order

Array = Any

ORDER = "ENZ"
SILENT = 1e-12  # of the loudest component's amplitude: what a filter leaves of a constant
LASTING = 95  # percentile of a component's amplitudes that counts as its amplitude: a spike does not
SAMPLED = 100_000  # samples, about, from which it is computed
DEAD = "nothing but rounding"


@dataclass(frozen=True)
class Served:
    """Which channel a component's data are of, between two times (nanoseconds)."""

    component: str
    start: int
    end: int
    channel: str


@dataclass
class Segment:
    """Three components without a gap in all of them: x (3, N) float32 in the order E, N, Z."""

    start: int
    rate: float
    x: Array
    served: list[Served] = field(default_factory=list)

    def time(self, sample: float) -> int:
        """A sample's time in nanoseconds."""
        return self.start + round(sample / self.rate * SECOND)

    def channel(self, wanted: str, time: int) -> str:
        """The code of the first of these components that has data at a time, or else anywhere in the segment."""
        of_each = [held for component in wanted for held in self.served if held.component == component]
        then = [held for held in of_each if held.start <= time < held.end]
        return (then or of_each or [Served("", 0, 0, "")])[0].channel


def segments(
    channels: dict[str, list[Piece]],
    band: tuple[float, float] | None = (1.0, 45.0),
    left_out: LeftOut | None = None,
    served: list[Span] | None = None,
) -> list[Segment]:
    """{component: pieces} of one instrument -> segments in order of time, prepared as in `prepare`.

    `left_out` gets what is picked within `served`. `channels` is emptied, so that the data of each channel are freed as
    soon as they are prepared.
    """
    ledger = LeftOut() if left_out is None else left_out

    def channel(component: str) -> list[tuple[int, Piece]]:
        by_code: dict[str, list[Piece]] = {}
        for piece in channels.pop(component):
            by_code.setdefault(piece.id, []).append(piece)
        whole = [piece for code in sorted(by_code) for piece in join(by_code.pop(code), ledger, served)]
        return [(ORDER.index(component), prepare(whole.pop(0), band)) for _ in range(len(whole))]

    prepared = (pieces for _, pieces in in_order(channel, list(channels), numba.get_num_threads()))
    pieces = deque(sorted(loud(list(chain.from_iterable(prepared)), ledger, served), key=lambda pair: pair[1].start))
    found = []
    while pieces:
        together = deque([pieces.popleft()])
        end = together[0][1].end()
        while pieces and (pieces[0][1].start - end) / SECOND * RATE < 0.5:
            end = max(end, pieces[0][1].end())
            together.append(pieces.popleft())
        found.append(place(together))
    return found


def loud(pairs: list[tuple[int, Piece]], left_out: LeftOut, served: list[Span] | None) -> list[tuple[int, Piece]]:
    """(row, piece) without the components whose peak is nothing beside the amplitude of the loudest."""
    peaks, loudest = [0.0, 0.0, 0.0], 0.0
    for row in {row for row, _ in pairs}:
        data = [piece.data for at, piece in pairs if at == row]
        peaks[row] = float(max(max(part.max(), -part.min()) for part in data))
        step = sum(map(len, data)) // SAMPLED + 1
        some = np.abs(np.concatenate([part[::step] for part in data]))
        loudest = max(loudest, float(np.percentile(some, LASTING)))
    kept = []
    for row, piece in pairs:
        if peaks[row] >= SILENT * loudest:
            kept.append((row, piece))
            continue
        for start, end in common([(piece.start, piece.end())], served or [(piece.start, piece.end())]):
            left_out.picked_lengths.append(-left_out.inside(start, end))
            left_out.leave(piece.id, start, end, DEAD)
    return kept


def place(pieces: deque[tuple[int, Piece]]) -> Segment:
    """(row, piece) that overlap in time -> one segment. Each piece is freed once it is used."""
    start = pieces[0][1].start
    last = max(piece.end() for _, piece in pieces)
    x = np.zeros((3, max(round((last - start) / SECOND * RATE), 1) + 2), np.float32)
    length, served = 1, []
    while pieces:
        row, piece = pieces.popleft()
        at, data = on_clock(piece, start)
        data = data[: x.shape[1] - at]
        x[row, at : at + len(data)] = data
        length = max(length, at + len(data))
        served.append(Served(ORDER[row], piece.start, piece.end(), piece.id.rsplit(".", 1)[-1]))
    return Segment(start, RATE, x[:, :length], served)
