"""A station stands where it stood at the time."""

from __future__ import annotations

import pytest
from obspy import UTCDateTime
from obspy.core.inventory import Inventory, Network, Station

from minieqt.errors import UserError
from minieqt.records.stations import read_coordinates

MOVED = UTCDateTime("2023-01-01")


def inventory(path, *epochs):
    stations = [Station("ABC", latitude, 10.0, 5.0, start_date=start, end_date=end) for latitude, start, end in epochs]
    Inventory(networks=[Network("XX", stations=stations)]).write(str(path), format="STATIONXML")
    return read_coordinates(path)


def test_a_moved_station(tmp_path):
    places = inventory(tmp_path / "a.xml", (46.0, UTCDateTime("2007-01-01"), MOVED), (47.0, MOVED, None))
    assert places.at("XX", "ABC", UTCDateTime("2022-02-06")) == (46.0, 10.0, 5.0)
    assert places.at("xx", "abc", MOVED) == (47.0, 10.0, 5.0)
    assert places.at("XX", "ABC", UTCDateTime("1999-01-01")) is None  # it might have been anywhere
    assert places.at("XX", "DEF", MOVED) is None


def test_a_station_that_never_moved(tmp_path):
    places = inventory(tmp_path / "a.xml", (46.0, MOVED, None))
    assert places.at("XX", "ABC", UTCDateTime("1999-01-01")) == (46.0, 10.0, 5.0)
    assert inventory(tmp_path / "b [1].xml", (46.0, None, None)).at("XX", "ABC", MOVED) == (46.0, 10.0, 5.0)


def test_no_inventory(tmp_path):
    assert read_coordinates(None).at("XX", "ABC", MOVED) is None
    (tmp_path / "a.xml").write_text("no")
    with pytest.raises(UserError, match="no inventory"):
        read_coordinates(tmp_path / "a.xml")
