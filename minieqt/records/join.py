"""Pieces of one channel become one, whatever files they came in.

The order of the pieces does not matter: a piece begins with the earliest, and samples that are there already stay. A
start that is off by less than half a sample from the end before it goes on from there, and is kept as what the clock
said (Piece.anchors). One missing sample is no gap but a clock's correction: the mean of its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minieqt.records.gap import Piece
from minieqt.records.left_out import LeftOut
from minieqt.records.span import SECOND, Span, common

Array = Any

SAME_RATE = 2e-3  # relative: what one channel's rates may differ by and be one clock's
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
        late = (piece.start - joined[-1].end()) / SECOND * piece.rate if joined else np.inf
        if not joined or late > 1.5 or abs(piece.rate / joined[-1].rate - 1) > SAME_RATE:
            joined.append(Piece(piece.start, piece.rate, None, piece.id, [(0, piece.start), (0, piece.start)]))
            parts.append([])
            late = 0.0
        at, held, drop = joined[-1], parts[-1], min(max(round(-late), 0), len(piece.data))
        length = int(at.anchors[-1][0])
        if drop:
            reason = TWICE if same(held, piece.data[:drop], max(round(-late), 0)) else OTHERWISE
            count(piece.start, piece.time(drop), reason, piece.id)
        if drop == len(piece.data):
            continue
        new = piece.data[drop:]
        if late > 0.5:
            held.append(np.array([(float(held[-1][-1]) + float(new[0])) / 2]))
            length += 1
        held.append(new)
        count(piece.time(drop), piece.end(), None, piece.id)
        at.anchors[-1:] = [(length, piece.time(drop)), (length + len(new), piece.end())]
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
