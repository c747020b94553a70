"""What is held back stays held back, and no earthquake stands on both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import small_windows

from minieqt.data.table import TEXT
from minieqt.errors import UserError
from minieqt.learning.by_the_clock import HELD, LEARNT, NEITHER, deal, parts_of, together

MIDNIGHT = np.datetime64("2022-02-06T00:00:00", "us")


@pytest.fixture
def table(rng):
    """Windows of two days, in any order, each an earthquake of its own."""
    starts = MIDNIGHT + rng.integers(0, 2 * 86400, 300).astype("timedelta64[s]")
    return small_windows.table(np.full(300, 500.0), start_time=starts)


def test_a_share_of_the_time_is_held_back(table):
    many = np.tile(np.arange(len(table)), 20)
    later = (np.arange(len(many)) // len(table) * 2).astype("timedelta64[D]")
    table = replace(table.take(many), start_time=table.start_time[many] + later)
    side = deal(table, 0.2)
    assert 0.15 < (side == HELD).sum() / (side != NEITHER).sum() < 0.25
    assert 0 < (side == NEITHER).mean() < 0.15


def test_more_corrections_move_nothing(table):
    side = deal(table, 0.3)
    assert (deal(table.take(np.arange(0, len(table), 3)), 0.3) == side[::3]).all()
    assert (deal(table.take(np.arange(len(table))[::-1]), 0.3) == side[::-1]).all()


def test_one_earthquake_stands_on_one_side(table):
    """Another station's window of it begins half a minute later at most."""
    later = replace(table, start_time=table.start_time + np.timedelta64(30, "s"))
    here, there = deal(table, 0.4), deal(later, 0.4)
    sure = (here != NEITHER) & (there != NEITHER)
    assert sure.mean() > 0.6 and (here[sure] == there[sure]).all()


def test_windows_without_a_time_go_with_their_event(table):
    nowhere = np.full(len(table), np.datetime64("NaT"), "datetime64[us]")
    names = (np.arange(len(table)) // 2).astype(str).astype(TEXT)
    side = deal(replace(table, start_time=nowhere, event=names), 0.4)
    even = len(table) // 2 * 2
    assert (side[:even:2] == side[1:even:2]).all() and set(side.tolist()) == {LEARNT, HELD}


def test_parts(table):
    side = deal(table, 0.3)
    parts = parts_of(table, side, 0)
    assert sorted(np.concatenate(parts).tolist()) == np.flatnonzero(side != NEITHER).tolist()
    groups = together(table)
    assert not set(groups[parts[0]].tolist()) & set(groups[parts[1]].tolist())
    assert [rows.tolist() for rows in parts_of(table, side, 0)] == [rows.tolist() for rows in parts]
    assert parts_of(table, side, 1)[1].tolist() != parts[1].tolist()


@pytest.mark.parametrize("what, sides", [("to learn from", [HELD]), ("choose", [HELD, LEARNT]), ("held", [LEARNT] * 9)])
def test_a_part_without_an_arrival(table, what, sides):
    few = table.take(np.arange(len(sides)))
    few = replace(few, start_time=MIDNIGHT + 600 * np.arange(len(sides)).astype("timedelta64[s]"))
    with pytest.raises(UserError, match=f"of {len(sides)} accepted earthquakes none is .*{what}"):
        parts_of(few, np.array(sides), 0)


def test_together(table):
    seconds = [0, 500, 40, 99, 530, 700]
    few = table.take(np.arange(6))
    starts = MIDNIGHT + np.array(seconds).astype("timedelta64[s]")
    assert together(replace(few, start_time=starts)).tolist() == [0, 1, 0, 0, 1, 2]
    starts[[1, 4]] = np.datetime64("NaT")
    number = together(replace(few, start_time=starts, event=np.array([*"abcdbe"], TEXT)))
    assert number[1] == number[4] and len(set(number.tolist())) == 3
