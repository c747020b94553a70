"""Which windows are held back for scoring, and which are learnt from: their time decides.

Time is divided into blocks of ten minutes, and a draw that depends on the block alone decides whether it is held back.
So an earthquake that several stations recorded is on one side, and what is held back once is held back for ever,
whatever is corrected later: neither a network that was learnt in this way nor any of its predecessors has been trained
on it. A window near the end of a block is left out if the next block is on the other side.

Some of the windows that are learnt from choose the epoch. They are drawn anew for every version.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np

from minieqt.data.split import split
from minieqt.data.table import TEXT, TraceTable
from minieqt.errors import UserError
from minieqt.philox import SPLIT, uniform

Array = Any

BLOCK = 600  # s
REACH = (-30, 90)  # s from a window's start: what has to lie on one side
CHOOSING = 0.15  # of what is learnt from
LEARNT, HELD, NEITHER = 0, 1, -1
SECOND = 1_000_000  # microseconds, as a table has its times


def deal(table: TraceTable, hold_back: float) -> Array:
    """(N,): the side of each window, one of LEARNT, HELD, NEITHER.

    hold_back: which share of the blocks. A window without a time goes with its event's name.
    """
    start = table.start_time.astype("datetime64[us]").astype(np.int64) // SECOND
    first, last = (is_held((start + reach) // BLOCK, hold_back) for reach in REACH)
    side = np.where(first == last, first.astype(int), NEITHER)
    timeless = np.isnat(table.start_time)
    names = [crc32(str(event).encode()) for event in table.event[timeless].tolist()]
    side[timeless] = is_held(np.array(names, np.int64), hold_back)
    return side


def is_held(blocks: Array, hold_back: float) -> Array:
    """blocks (N,) int64 -> (N,) bool."""
    return uniform((0, SPLIT), blocks % 2**32, 1, 1, 0)[:, 0] < hold_back


def parts_of(table: TraceTable, side: Array, seed: int) -> tuple[Array, Array, Array]:
    """Of corrections: the rows that are trained on, that choose the epoch, and that are held back.

    UserError if one of them has no arrival: there is nothing to learn, or to measure it by.
    """
    learnt, held = np.flatnonzero(side == LEARNT), np.flatnonzero(side == HELD)
    training, choosing = learnt, learnt[:0]
    grouped = replace(table, event=together(table).astype(str).astype(TEXT)).take(learnt)
    with suppress(UserError):  # of too few: told below
        one, other, _ = split(grouped, fractions=(1 - CHOOSING, CHOOSING, 0.0), seed=seed)
        training, choosing = learnt[one], learnt[other]
    arrival = np.isfinite(table.p_sample) | np.isfinite(table.s_sample)
    for rows, what in ((training, "to learn from"), (choosing, "to choose the epoch by"), (held, "held back")):
        if not arrival[rows].any():
            raise UserError(
                f"of {int(arrival.sum())} accepted earthquakes none is {what}: what is held back are blocks of "
                f"{BLOCK // 60} minutes; review more of the queue, or try another --hold-back"
            )
    return training, choosing, held


def together(table: TraceTable) -> Array:
    """(N,) int64: windows that may show one earthquake, at whatever stations, have one number.

    Those that begin within a minute of each other do, and a window without a time goes with its event's name.
    """
    order = np.argsort(table.start_time, kind="stable")  # those without a time last
    gaps = np.diff(table.start_time[order]) > np.timedelta64(60, "s")
    number = np.zeros(len(order), np.int64)
    number[order[1:]] = np.cumsum(gaps)
    timeless = np.isnat(table.start_time)
    number[timeless] = len(order) + np.unique(table.event[timeless], return_inverse=True)[1]
    return number
