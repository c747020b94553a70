"""A station stands where it stood at the time."""

from __future__ import annotations

import numpy as np
import pytest
from obspy import UTCDateTime
from obspy.core.inventory import Inventory, Network, Station

from minieqt.errors import UserError
from minieqt.records.stations import read_coordinates, unbroken

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


@pytest.mark.parametrize(
    ("longitude", "without_jump"),
    [
        ([179.8, -179.9, -179.7], [179.8, 180.1, 180.3]),
        ([-179.9, 179.8], [180.1, 179.8]),
        ([-0.1, 0.2, 359.9], [-0.1, 0.2, -0.1]),
        ([-117.5, -116.9], [-117.5, -116.9]),
        ([243.0, 244.0], [243.0, 244.0]),
        ([12.3], [12.3]),
    ],
)
def test_longitudes_on_both_sides_of_180_degrees(longitude, without_jump):
    np.testing.assert_allclose(unbroken(longitude), without_jump, rtol=0, atol=1e-9)


def test_longitudes_that_do_not_jump_keep_their_bits(rng):
    longitude = rng.uniform(-120, 60, 50)
    assert unbroken(longitude).tolist() == longitude.tolist()


def test_some_longitudes_among_others():
    assert unbroken([-179.5, 179.5], [179.0, -179.0]).tolist() == [180.5, 179.5]
