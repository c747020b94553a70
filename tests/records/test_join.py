"""Pieces of a channel, in any order, overlapping or not, are the channel again; what is there twice is counted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import START, trace

from minieqt.records.gap import pieces
from minieqt.records.join import OTHERWISE, TWICE, join
from minieqt.records.left_out import LeftOut
from minieqt.records.span import SECOND


def of(traces):
    """The pieces of some traces."""
    return [piece for one in traces for piece in pieces(one, LeftOut())]


cuts = st.lists(st.integers(1, 999), max_size=6, unique=True)


@given(cuts, st.lists(st.integers(0, 300), min_size=7, max_size=7), st.randoms(use_true_random=False), st.booleans())
@settings(deadline=None, max_examples=60)
def test_join_does_not_see_cuts(cuts, overlaps, shuffler, rounded):
    """Any pieces of a record, overlapping or not, in any order, with rounded starts, are that record again."""
    whole = trace(10, dtype="int32")
    edges = [0, *sorted(cuts), 1000]
    parts = []
    for (first, last), overlap in zip(pairwise(edges), overlaps, strict=False):
        first = max(first - overlap, 0)
        part = trace(1, start=whole.stats.starttime + first / 100 + (0.0004 if rounded and first else 0))
        part.data = whole.data[first:last]
        parts.append(part)
    shuffler.shuffle(parts)
    (piece,) = join(of(parts), LeftOut())
    assert piece.start == whole.stats.starttime.ns and np.array_equal(piece.data, whole.data)


def test_join_stops_at_gaps_and_bridges_one_sample():
    first, last = trace(1), trace(1, start=START + 1.01)
    (piece,) = join(of([last, first]), LeftOut())
    assert len(piece.data) == 201 and piece.data[100] == (first.data[-1] + last.data[0]) / 2
    assert len(join(of([first, trace(1, start=START + 1.02)]), LeftOut())) == 2
    assert len(join(of([first, trace(1, start=START + 1, rate=50.0)]), LeftOut())) == 2


@pytest.mark.parametrize("other", [False, True])
def test_what_is_there_twice_is_counted(other):
    first, last = trace(10), trace(10)
    last.data = last.data[600:] + (1 if other else 0)
    last.stats.starttime = START + 6
    left_out = LeftOut()
    (piece,) = join(of([last, first]), left_out)
    assert len(piece.data) == 1000 and left_out.picked == pytest.approx(10)
    (row,) = left_out
    assert (row.length, row.reason) == (4 * SECOND, OTHERWISE if other else TWICE)


def test_what_is_there_at_two_rates_is_there_once():
    """The earlier stays; of each of the others what comes after, at its own rate."""
    parts = [trace(10), trace(20, start=START + 4, rate=50.0), trace(30, start=START + 8), trace(2, rate=200.0)]
    left_out = LeftOut()
    found = join(of(parts), left_out)
    assert [(one.start, one.rate, len(one.data)) for one in found] == [
        (START.ns, 100.0, 1000),
        ((START + 10).ns, 50.0, 700),
        ((START + 24).ns, 100.0, 1400),
    ]
    assert np.array_equal(found[1].data, parts[1].data[300:])
    assert left_out.picked == pytest.approx(38) and left_out.seconds == pytest.approx(2 + 6 + 16)
    assert {row.reason for row in left_out} == {OTHERWISE}


def test_rates_of_one_clock_may_differ_a_little():
    """A logger that writes the rate it measured: one piece, each part at its own time."""
    parts, start = [], START
    for rate in (100.0, 99.95, 100.04):
        parts.append(trace(10, start=start, rate=rate, dtype="int32"))
        start += len(parts[-1].data) / rate
    (piece,) = join(of(parts), LeftOut())
    assert len(piece.data) == sum(len(one.data) for one in parts)
    for sample, time in piece.anchors[:-1]:
        assert time in [one.stats.starttime.ns for one in parts] and sample in (0, 1000, 2000)
