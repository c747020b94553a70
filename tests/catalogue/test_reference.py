"""Earthquakes beside an agency's, one to one."""

from __future__ import annotations

import math

from network import DAY

from minieqt.catalogue.earthquake import Earthquake
from minieqt.catalogue.reference import match_events
from minieqt.tables.catalogue import Origin


def ours(*times, latitude=35.0):
    return [Earthquake(DAY + round(1e9 * time), latitude, -117.0, 5.0, ()) for time in times]


def theirs(*times):
    return [Origin(DAY + round(1e9 * time), 35.0, -117.0, math.nan) for time in times]


def test_one_to_one_in_any_order():
    matched = match_events(ours(0.0, 100.0, 50.0), theirs(49.0, 0.5, 200.0))
    assert matched.pairs.tolist() == [[0, 1], [2, 0]]
    assert matched.seconds.tolist() == [-0.5, 1.0]
    assert [origin.time for origin in matched.missed()] == [DAY + 200 * 10**9]
    assert [each.time for each in matched.additional()] == [DAY + 100 * 10**9]


def test_as_many_as_possible_and_nothing_twice():
    matched = match_events(ours(1.5, 3.0), theirs(0.0, 1.6))  # nearest first would leave one over
    assert matched.pairs.tolist() == [[0, 0], [1, 1]]
    matched = match_events(ours(1.0, 1.2), theirs(1.1))
    assert len(matched.pairs) == 1 and len(matched.additional()) == 1


def test_far_in_place_or_time_is_another():
    assert len(match_events(ours(0.0), theirs(2.1)).pairs) == 0
    assert len(match_events(ours(0.0, latitude=35.2), theirs(0.0)).pairs) == 0  # 22 km
    assert len(match_events(ours(0.0, latitude=35.2), theirs(0.0), kilometres=25).pairs) == 1


def test_nothing_on_either_side():
    assert match_events([], theirs(0.0)).missed() == theirs(0.0)
    assert match_events(ours(0.0), []).additional() == ours(0.0)
    assert len(match_events([], []).pairs) == 0
