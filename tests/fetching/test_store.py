"""An SDS archive, an inventory and a ledger that a killed run leaves whole."""

from __future__ import annotations

import io
import os

import numpy as np
import obspy
import pytest
from centre import DAY, RATE, records, station
from obspy import Inventory, UTCDateTime

from minieqt.errors import UserError
from minieqt.fetching.plan import Task
from minieqt.fetching.store import FAILED, FETCHED, NOT_THERE, Store, line
from minieqt.records.stations import read_coordinates

TASK = Task("XX", "AAA", (("", "HHN"), ("", "HHZ")), DAY.ns, (DAY + 86400).ns)


def test_records_go_to_the_days_files(tmp_path):
    store = Store(tmp_path / "out")
    whole = {id: records(id, DAY, DAY + 86400) for id in ("XX.AAA..HHZ", "XX.AAA..HHN", "XX.AAA..HHE")}
    halves = [content[: len(content) // 1024 * 512] for content in whole.values()]
    rest = [content[len(half) :] for content, half in zip(whole.values(), halves, strict=True)]
    assert store.keep(TASK, b"".join(halves + rest)) == ["XX.AAA..HHN", "XX.AAA..HHZ"]
    path = tmp_path / "out/waveforms/2019/XX/AAA/HHZ.D/XX.AAA..HHZ.D.2019.185"
    assert path.read_bytes() == whole["XX.AAA..HHZ"]
    (trace,) = obspy.read(str(path))
    assert trace.data[0] == 0 and np.all(np.diff(trace.data) == 1) and trace.stats.npts == 86400 * RATE
    assert len(list((tmp_path / "out/waveforms").rglob("*.*.*.*"))) == 2


def test_another_part_of_a_day_is_added(tmp_path):
    store, noon = Store(tmp_path), DAY + 43200
    for start, end in ((DAY, noon + 600), (noon, DAY + 86400), (DAY + 3600, DAY + 7200)):
        store.keep(TASK, records("XX.AAA..HHZ", start, end))
    (path,) = (tmp_path / "waveforms").rglob("*HHZ*2019*")
    whole = obspy.read(str(path)).merge()
    assert len(whole) == 1 and whole[0].stats.npts == 86400 * RATE and np.all(np.diff(whole[0].data) == 1)
    size = path.stat().st_size
    store.keep(TASK, records("XX.AAA..HHZ", noon, DAY + 86400))
    assert path.stat().st_size == size


@pytest.mark.parametrize(("result", "done"), [(FETCHED, True), (NOT_THERE, True), (FAILED, False)])
def test_the_ledger_remembers(tmp_path, result, done):
    store = Store(tmp_path)
    assert not store.is_done(TASK)
    store.note(line(TASK, "A", result, [], ""))
    assert store.is_done(TASK) == Store(tmp_path).is_done(TASK) == done
    shorter, longer = (Task("XX", "AAA", TASK.channels, TASK.start, TASK.end + more) for more in (-(10**9), 10**9))
    assert store.is_done(shorter) == done and not store.is_done(longer)


@pytest.mark.parametrize("cut", [2, 5, 40])
def test_a_line_that_was_cut_off_is_no_line(tmp_path, cut):
    first = Task("XX", "BBB", TASK.channels, TASK.start, TASK.end)
    store = Store(tmp_path)
    store.note(line(first, "A", FETCHED, [], ""))
    store.note(line(TASK, "A", FETCHED, [], ""))
    ledger = tmp_path / "fetched.csv"
    ledger.write_bytes(ledger.read_bytes()[:-cut])
    again = Store(tmp_path)
    again.note(line(TASK, "A", FAILED, TASK.ids(), "busy"))
    assert Store(tmp_path).is_done(first) and not Store(tmp_path).is_done(TASK)


def test_what_is_left_out(tmp_path):
    store = Store(tmp_path)
    other = Task("XX", "BBB", TASK.channels, TASK.start, TASK.end)
    store.note(line(TASK, "A", FAILED, TASK.ids(), "busy"))
    store.note(line(TASK, "A", FETCHED, ["XX.AAA..HHN"], "no data"))
    store.note(line(other, "A", NOT_THERE, other.ids(), "not open to everyone"))
    found = Store(tmp_path).write_left_out()
    assert [(row.id, row.reason, row.length) for row in found] == [
        ("XX.AAA..HHN", "no data", 86400 * 10**9),
        ("XX.BBB..HHN", "not open to everyone", 86400 * 10**9),
        ("XX.BBB..HHZ", "not open to everyone", 86400 * 10**9),
    ]
    assert len((tmp_path / "left_out.csv").read_text().splitlines()) == 4


def test_inventories_are_joined(tmp_path):
    store = Store(tmp_path / os.fsdecode(b"f\xfcr"))  # any name that a disk takes
    store.keep_stations(Inventory([station("AAA", ".HHZ"), station("BBB", ".HHZ")], source="test"))
    for _ in range(2):
        store.keep_stations(Inventory([station("AAA", ".BHZ")], source="test"))
    held = obspy.read_inventory(io.BytesIO((store.out / "stations.xml").read_bytes())).get_contents()["channels"]
    assert sorted(held) == ["XX.AAA..BHZ", "XX.AAA..HHZ", "XX.BBB..HHZ"]


def test_a_station_that_moved_stands_where_it_stood(tmp_path):
    """A request for another time brings another epoch; the same request again brings nothing new."""
    store = Store(tmp_path)
    for year, latitude in ((2010, 40.0), (2018, 41.0), (2018, 41.5)):
        network = station("AAA", ".HHZ")
        (at,) = network
        at.start_date, at.end_date, at.latitude = UTCDateTime(year, 1, 1), UTCDateTime(year + 8, 1, 1), latitude
        store.keep_stations(Inventory([network], source="test"))
    places = read_coordinates(tmp_path / "stations.xml")
    assert [places.at("XX", "AAA", UTCDateTime(year, 6, 1))[0] for year in (2015, 2020)] == [40.0, 41.5]
    assert len(places["XX", "AAA"]) == 2


def test_another_file_of_that_name(tmp_path):
    (tmp_path / "fetched.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="not a list of what was fetched"):
        Store(tmp_path)


def test_a_ledger_that_a_full_disk_left_empty(tmp_path):
    (tmp_path / "fetched.csv").touch()
    Store(tmp_path).note(line(TASK, "A", FETCHED, [], ""))
    assert Store(tmp_path).is_done(TASK)


def test_a_ledger_and_an_inventory_that_were_damaged(tmp_path):
    (tmp_path / "stations.xml").write_text("<broken")
    with pytest.raises(UserError, match="is no StationXML"):
        Store(tmp_path).keep_stations(Inventory([station("AAA", ".HHZ")], source="test"))
    assert (tmp_path / "stations.xml").read_text() == "<broken"
    Store(tmp_path).note(line(TASK, "A", FETCHED, [], ""))
    ledger = tmp_path / "fetched.csv"
    ledger.write_text(ledger.read_text().replace("2019-07-04T", "noon"))
    with pytest.raises(UserError, match="is damaged"):
        Store(tmp_path)


def test_a_longer_request_replaces_what_was_left_out(tmp_path):
    store, noon = Store(tmp_path), (DAY + 43200).ns
    morning, evening = (Task("XX", "AAA", TASK.channels, *times) for times in ((DAY.ns, noon), (noon, TASK.end)))
    store.note(line(morning, "A", FAILED, TASK.ids(), "busy"))
    store.note(line(evening, "A", FAILED, TASK.ids(), "busy"))
    assert sum(row.length for row in store.write_left_out()) == 2 * 86400 * 10**9
    store.note(line(TASK, "A", FETCHED, ["XX.AAA..HHN"], "no data"))
    (row,) = Store(tmp_path).write_left_out()
    assert (row.id, row.reason, row.length) == ("XX.AAA..HHN", "no data", 86400 * 10**9)
