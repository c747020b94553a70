"""Pieces of one channel become one, whatever files they came in.

The order of the pieces does not matter: they are joined from the earliest on, and of samples recorded twice the first
are kept. Samples of another rate are a piece of their own. A piece whose start is off by less than half a sample from
the end before it continues that one; its start is kept as a time stamp of the clock (Piece.anchors). One missing sample
is not a gap but a correction of the clock: it becomes the mean of its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minieqt.records.channel import SAME_RATE
from minieqt.records.gap import Piece
from minieqt.records.left_out import LeftOut
from minieqt.records.span import SECOND, Span, common

Array = Any

TWICE = "recorded twice"
OTHERWISE = "recorded twice, with other values"


def join(pieces: Iterable[Piece], left_out: LeftOut, served: list[Span] | None = None) -> list[Piece]:
    """The pieces of one channel -> as few as there are; data keep their type. `left_out` gets what is there twice, and
    what is picked, both within `served`."""
    joined: list[Piece] = []
    parts: list[list[Array]] = []

    def count(start: int, end: int, reason: str | None, id: str) -> None:
        for first, last in [(start, end)] if served is None else common([(start, end)], served):
            if reason is None:
                left_out.pick(first, last)
            else:
                left_out.leave(id, first, last, reason)

    for piece in sorted(pieces, key=lambda piece: (piece.start, -len(piece.data))):
        late = (piece.start - joined[-1].end()) / SECOND * piece.rate if joined else 0.0
        fits = bool(joined) and abs(piece.rate / joined[-1].rate - 1) <= SAME_RATE
        back = max(round(-late), 0)
        drop = min(back, len(piece.data))
        if drop:
            again = fits and piece.start >= joined[-1].start and same(parts[-1], piece.data[:drop], back)
            count(piece.start, piece.time(drop), TWICE if again else OTHERWISE, piece.id)
        if drop == len(piece.data):
            continue
        new, start = piece.data[drop:], piece.time(drop)
        if not fits or late > 1.5:
            joined.append(Piece(start, piece.rate, None, piece.id, [(0, start), (0, start)]))
            parts.append([])
        at, held = joined[-1], parts[-1]
        length = int(at.anchors[-1][0])
        if held and late > 0.5:
            held.append(np.array([(float(held[-1][-1]) + float(new[0])) / 2]))
            length += 1
        held.append(new)
        count(start, piece.end(), None, piece.id)
        at.anchors[-1:] = [(length, start), (length + len(new), piece.end())]
    for piece, held in zip(joined, parts, strict=True):
        piece.data = held[0] if len(held) == 1 else np.concatenate(held)
        piece.anchors = piece.anchors[1:]
    return joined


def same(parts: list[Array], data: Array, back: int) -> bool:
    """Whether data (N,) equal what stands in `parts` from `back` samples before their end on."""
    end = sum(len(part) for part in parts)
    first = end - back
    for part in reversed(parts):
        begin = end - len(part)
        low, high = max(first, begin), min(first + len(data), end)
        if low < high and not np.array_equal(part[low - begin : high - begin], data[low - first : high - first]):
            return False
        if begin <= first:
            break
        end = begin
    return True
