"""Bins: every earthquake in one of each quantity, and stations with their noise."""

from __future__ import annotations

import numpy as np
import pytest
from small_windows import NAN, answers, table

from minieqt.data.inspect import EDGES
from minieqt.data.table import TEXT
from minieqt.evaluation.bins import bins, by_bin, stations


def case():
    magnitude = np.array([0.5, 1.0, 1.99, NAN, NAN, 12.0])
    station = np.array(["XX.A", "XX.B", "XX.A", "XX.A", "XX.B", ""], TEXT)
    return table([1000, 1000, 1000, 1000, NAN, 1000], magnitude=magnitude, station=station)


def test_every_earthquake_is_in_one_bin_of_each_quantity():
    windows = case()
    for quantity in EDGES:
        rows = [row for each, _, members in bins(windows) if each == quantity for row in members]
        assert sorted(rows) == np.flatnonzero(windows.earthquake).tolist()


def test_edges_belong_to_the_bin_above():
    found = {name: members.tolist() for quantity, name, members in bins(case()) if quantity == "magnitude"}
    assert found == {"0 … 1": [0], "1 … 2": [1, 2], "from 10": [5], "unknown": [3]}


def test_stations():
    found = [(name, members.tolist()) for _, name, members in stations(case())]
    assert found == [("XX.A", [0, 2, 3]), ("XX.B", [1, 4]), ("unknown", [5])]


def test_the_measures_of_a_bin():
    picks = [(1000, 0.9), (1020, 0.9), None, (1000, 0.9), (50, 0.9), (1000, 0.9)]
    rows = by_bin(answers([1, 1, 0, 1, 1, 1], picks), case(), {"detection": 0.3, "P": 0.1, "S": 0.1})
    named = {(row["quantity"], row["bin"]): row for row in rows}
    middle = named["magnitude", "1 … 2"]
    assert middle["windows"] == 2 and middle["P"]["within_0.5_s"]["recall"] == 0.5
    assert middle["P"]["within_0.5_s"]["mae_s"] == pytest.approx(0.2)
    assert middle["detection"]["recall"] == 0.5
    b = named["station", "XX.B"]
    assert (b["windows"], b["earthquakes"]) == (2, 1)
    assert b["P"]["within_0.5_s"]["precision"] == 0.5  # its noise window was picked
