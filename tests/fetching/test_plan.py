"""Which channels of which station on which day."""

from __future__ import annotations

import pytest
from centre import DAY, station
from obspy import Inventory, UTCDateTime

from minieqt.errors import UserError
from minieqt.fetching.plan import Region, tasks


def planned(networks, patterns, start=DAY, end=DAY + 86400):
    return list(tasks(Inventory(networks, source="test"), patterns, start.ns, end.ns))


def test_the_best_instrument_and_its_fullest_location():
    one = station("AAA", "00.HHZ", "10.HHZ", "10.HHN", "10.HHE", "00.HNZ", "00.BHZ")
    (task,) = planned([one], ["HH?", "BH?", "HN?"])
    assert task.ids() == ["XX.AAA.10.HHE", "XX.AAA.10.HHN", "XX.AAA.10.HHZ"]
    (task,) = planned([one], ["BH?", "HH?"])
    assert task.ids() == ["XX.AAA.00.BHZ"]
    assert planned([one], ["LH?"]) == []


def test_equal_locations_are_taken_in_order():
    (task,) = planned([station("AAA", "10.HHZ", ".HHZ", "00.HHZ")], ["HH?"])
    assert task.ids() == ["XX.AAA..HHZ"]


def test_days_are_cut_at_midnight_and_go_round_all_stations():
    start, end = DAY + 3600 * 20, DAY + 86400 + 3600
    found = planned([station("BBB", ".HHZ"), station("AAA", ".HHZ")], ["HH?"], start, end)
    assert [(task.name, task.day) for task in found] == [
        ("XX.AAA", "2019-07-04"),
        ("XX.BBB", "2019-07-04"),
        ("XX.AAA", "2019-07-05"),
        ("XX.BBB", "2019-07-05"),
    ]
    times = [(UTCDateTime(ns=task.start), UTCDateTime(ns=task.end)) for task in found[::2]]
    assert times == [(start, DAY + 86400), (DAY + 86400, end)]


def test_an_instrument_that_was_taken_away_gives_way_to_the_next():
    old = station("AAA", ".HHZ", until=DAY + 86400)
    old.stations += station("AAA", ".BHZ").stations
    found = planned([old], ["HH?", "BH?"], end=DAY + 2 * 86400)
    assert [task.ids() for task in found] == [["XX.AAA..HHZ"], ["XX.AAA..BHZ"]]


def test_regions_as_the_service_takes_them():
    assert Region().parameters() == {}
    assert Region(rectangle=(-22, -15, 175, -172)).parameters()["minlongitude"] == 175  # Tonga, across 180°
    assert Region(rectangle=(1, 2, 3, 4)).parameters()["maxlatitude"] == 2
    assert abs(Region(circle=(35, -117, 111.19)).parameters()["maxradius"] - 1) < 1e-12


NAN = float("nan")


@pytest.mark.parametrize("rectangle", [(40, 30, -120, -110), (30, 40, -110, 1e9), (30, 100, 0, 1), (NAN,) * 4])
def test_what_is_no_rectangle(rectangle):
    with pytest.raises(UserError, match="S below N"):
        Region(rectangle=rectangle)


@pytest.mark.parametrize("circle", [(35, -117, -5), (35, -117, 0), (100, 0, 5), (35, 400, 5), (NAN, 0, 5)])
def test_what_is_no_circle(circle):
    with pytest.raises(UserError, match="above 0 km"):
        Region(circle=circle)
