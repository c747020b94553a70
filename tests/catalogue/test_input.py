"""Picks and places that an association begins with."""

from __future__ import annotations

from collections import Counter

import pytest
from obspy import UTCDateTime

from minieqt.catalogue.input import Input, covered, read_input
from minieqt.errors import UserError
from minieqt.tables.picks import Onset

INVENTORY = """#Network|Station|Latitude|Longitude|Elevation|SiteName|StartTime|EndTime
XX|AAA|35.0|-117.0|100|a|2000-01-01T00:00:00|2019-07-04T12:00:00
XX|AAA|36.0|-117.0|100|a|2019-07-04T12:00:00|
XX|BBB|35.5|-117.5|200|b|2000-01-01T00:00:00|
"""
PICKS = """network,station,phase,time
XX,AAA,P,2019-07-04T11:00:00
XX,AAA,P,2019-07-04T13:00:00
,bbb,S,2019-07-04T13:00:05
XX,CCC,S,2019-07-04T13:00:05
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "stations.txt").write_text(INVENTORY)
    (tmp_path / "picks.csv").write_text(PICKS.replace("bbb", "BBB"))
    return tmp_path


def test_places_are_those_of_the_picks_time(files):
    given = read_input(files, files / "stations.txt", None, None)
    assert [place[0] for place in given.places] == [35.0, 36.0, 35.5]
    assert given.onsets[2].network == "XX"  # the only network with such a station
    assert given.skipped == {"pick at a station without coordinates": 1}
    assert given.stations()["XX.BBB"] == (35.5, -117.5, 200.0)


def test_a_stretch_of_time(files):
    given = read_input(files / "picks.csv", files / "stations.txt", UTCDateTime(2019, 7, 4, 12), None)
    assert len(given.onsets) == 2 and given.skipped["outside the time asked for"] == 1
    given = read_input(files / "picks.csv", files / "stations.txt", None, UTCDateTime(ns=given.onsets[0].time))
    assert len(given.onsets) == 1 and given.skipped["outside the time asked for"] == 2


def test_places_of_the_table_or_of_the_detections_beside_it(files):
    with pytest.raises(UserError, match="--stations"):
        read_input(files, None, None, None)
    header = "network,station,station_lat,station_lon,station_elv,p_arrival_time,s_arrival_time\n"
    rows = "XX,AAA,35.0,-117.0,100.0,2019-07-04 11:00:00,\nXX,BBB,,,,,2019-07-04 11:00:07\n"
    (files / "X_prediction_results.csv").write_text(header + rows)
    for path in (files, files / "X_prediction_results.csv"):
        given = read_input(path, None, None, None)
        assert set(given.stations()) == {"XX.AAA"}
        assert given.skipped["pick at a station without coordinates"] >= 1


def test_a_station_that_moved_stands_where_its_detections_say(files):
    header = "network,station,station_lat,station_lon,station_elv,event_start_time,p_arrival_time,s_arrival_time\n"
    rows = [
        f"XX,AAA,{latitude},-117.0,100.0,2019-07-04 {hour}:00:01.000000,2019-07-04 {hour}:00:00,\n"
        for latitude, hour in ((35.0, 10), (35.0, 11), (36.0, 13), (36.0, 14), (35.0, 15))
    ]
    (files / "X_prediction_results.csv").write_text(header + "".join(rows))
    given = read_input(files, None, None, None)
    assert [place[0] for place in given.places] == [35.0, 36.0]  # of picks.csv: at 11 and at 13
    given = read_input(files / "X_prediction_results.csv", None, None, None)
    assert [place[0] for place in given.places] == [35.0, 35.0, 36.0, 36.0, 35.0]


@pytest.mark.parametrize("wrong", ["no such folder", "no picks", "other stations", "other time"])
def test_what_cannot_be_used_is_one_line(files, wrong):
    path, time = files, None
    if wrong == "no such folder":
        path = files / "nowhere"
    elif wrong == "no picks":
        (files / "picks.csv").write_text("network,station,phase,time\n")
    elif wrong == "other stations":
        (files / "picks.csv").write_text("network,station,phase,time\nYY,DDD,P,2019-07-04T11:00:00\n")
    else:
        time = UTCDateTime(2020, 1, 1)
    with pytest.raises(UserError):
        read_input(path, files / "stations.txt", time, None)


def test_the_part_of_a_list_that_the_picks_could_show(files):
    given = read_input(files, files / "stations.txt", None, None)
    (files / "events.csv").write_text(
        "time,latitude,longitude\n2019-07-04T12:30:00,35.2,-117.1\n2019-07-04T14:00:00,35.2,-117.1\n"
        "2019-07-04T12:30:00,39.0,-117.1\n2019-07-04T12:40:00,35.2,243.0\n"
    )
    origins, outside = covered(files / "events.csv", given, 50.0)
    assert [origin.longitude for origin in origins] == [-117.1, 243.0]  # 243 E is 117 W
    assert outside == "1 × outside the network's surroundings, 1 × outside the time of the picks"


def test_a_list_around_a_network_on_both_sides_of_180_degrees(files):
    onsets = [Onset("FJ", name, "P", UTCDateTime(2019, 7, 4, 11).ns) for name in "abc"]
    given = Input(onsets, [(-17.0, longitude, 0.0) for longitude in (179.8, -179.9, -179.7)], Counter())
    rows = "".join(f"2019-07-04T11:00:00,-17,{longitude}\n" for longitude in (179.9, -179.5, 180.2, 30, -70))
    (files / "events.csv").write_text(f"time,latitude,longitude\n{rows}")
    origins, outside = covered(files / "events.csv", given, 50.0)
    assert [origin.longitude for origin in origins] == [179.9, -179.5, 180.2]
    assert outside == "2 × outside the network's surroundings"
