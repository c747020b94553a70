"""An agency's list of events."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from obspy import UTCDateTime

from minieqt.errors import UserError
from minieqt.tables.origins import read_origins


@pytest.mark.parametrize(
    "text",
    [
        "time,latitude,longitude,depth,mag\n2019-07-04T17:02:55.340Z,35.708,-117.504,10.6,3.98\n",  # ComCat
        "#EventID | Time | Latitude | Longitude | Magnitude\n1|2019-07-04T17:02:55.34|35.708|-117.504|3.98\n",  # FDSN
        "origin_time;lat;lon;magnitude\n2019/07/04 17:02:55.34;35.708;-117.504;3.98\n",
        "source_origin_time,source_latitude,source_longitude,source_magnitude\n1562259775.34,35.708,-117.504,3.98\n",
    ],
)
def test_tables_of_many_layouts(tmp_path, text):
    path = tmp_path / "events.csv"
    path.write_text(text)
    (origin,) = read_origins(path, Counter())
    assert abs(origin.time - UTCDateTime("2019-07-04T17:02:55.34").ns) < 1000
    assert (origin.latitude, origin.longitude, origin.magnitude) == (35.708, -117.504, 3.98)


def test_what_cannot_be_used_is_counted(tmp_path):
    path = tmp_path / "events.csv"
    rows = ["time,latitude,longitude", "2019-07-04T17:02:55,35,-117", "never,35,-117", "2019-07-04T16:00:00,NaN,1"]
    path.write_text("\n".join([*rows, "2019-07-04T15:00:00,91,1"]))
    skipped = Counter()
    (origin,) = read_origins(path, skipped)
    assert math.isnan(origin.magnitude)
    assert skipped == {"event without a time": 1, "event without a place": 2}


def test_a_catalogue_without_picks(tmp_path):
    from obspy.core.event import Catalog, Event, Magnitude, Origin

    time = UTCDateTime("2019-07-04T17:02:55")
    event = Event(origins=[Origin(time=time, latitude=35.0, longitude=-117.0)], magnitudes=[Magnitude(mag=2.0)])
    Catalog([event]).write(str(tmp_path / "a.xml"), format="QUAKEML")
    (origin,) = read_origins(tmp_path / "a.xml", Counter())
    assert (origin.time, origin.magnitude) == (time.ns, 2.0)


@pytest.mark.parametrize("text", ["time,latitude,longitude\n", "nothing\n", ""])
def test_no_events_are_one_line(tmp_path, text):
    path = tmp_path / "events.txt"
    path.write_text(text)
    with pytest.raises(UserError):
        read_origins(path, Counter())
