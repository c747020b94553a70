"""Finding records: files, folders, SDS; selections; what cannot be read."""

from __future__ import annotations

import numpy as np
import pytest
from obspy import Stream, UTCDateTime
from records import START, record, trace

from minieqt.errors import UserError
from minieqt.picking.waveforms import join
from minieqt.records import archive as archive_module
from minieqt.records.archive import open_archive
from minieqt.records.selection import Selection

DAY = 86400 * 10**9


def write(path, stream, kind="MSEED"):
    path.parent.mkdir(parents=True, exist_ok=True)
    for one in stream:
        one.data = one.data.astype("float32")
    stream.write(str(path), format=kind)
    return path


@pytest.fixture
def sds(tmp_path):
    """Two stations, two days, one component a file, and a file that is none."""
    for station in ("ABC", "DEF"):
        for day in (37, 38):
            start = UTCDateTime(year=2022, julday=day) + 80
            for one in record(20, station=station, start=start):
                name = f"XX.{station}..{one.stats.channel}.D.2022.{day:03d}"
                write(tmp_path / "2022" / "XX" / station / f"{one.stats.channel}.D" / name, Stream([one]))
    (tmp_path / "README").write_text("nothing to hear")
    (tmp_path / ".hidden").write_text("nothing to see")
    return tmp_path


def found(archive):
    return [(UTCDateTime(ns=day).julday, station[1]) for day, station in archive.days(DAY)]


def test_a_whole_archive(sds):
    archive = open_archive([sds], Selection())
    assert found(archive) == [(37, "ABC"), (37, "DEF"), (38, "ABC"), (38, "DEF")]
    assert sum(archive.unreadable.values()) == 1
    day, station = archive.days(DAY)[0]
    traces = archive.read(station, day, day + DAY)
    assert sorted(one.stats.channel for one in traces) == ["HHE", "HHN", "HHZ"]
    assert {one.stats.station for one in traces} == {"ABC"} and {one.stats.npts for one in traces} == {2000}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"stations": ("XX.ABC",)}, [(37, "ABC"), (38, "ABC")]),
        ({"stations": ("D*",)}, [(37, "DEF"), (38, "DEF")]),
        ({"stations": ("YY.*", "?BC")}, [(37, "ABC"), (38, "ABC")]),
        ({"start": UTCDateTime(2022, 2, 7)}, [(38, "ABC"), (38, "DEF")]),
        ({"end": UTCDateTime(2022, 2, 6, 0, 1, 30)}, [(37, "ABC"), (37, "DEF")]),
    ],
)
def test_selections(sds, options, expected):
    archive = open_archive([sds], Selection(**options))
    assert found(archive) == expected
    if "end" in options:
        day, station = archive.days(DAY)[0]
        assert all(one.stats.endtime <= options["end"] for one in archive.read(station, day, day + DAY))


@pytest.mark.parametrize("options", [{"stations": ("ZZ",)}, {"start": UTCDateTime(2023, 1, 1)}])
def test_nothing_selected(sds, options):
    with pytest.raises(UserError, match="for this time and these stations"):
        open_archive([sds], Selection(**options))


@pytest.mark.parametrize("kind", ["MSEED", "SAC", "GSE2"])
def test_formats(tmp_path, kind):
    one = trace(20)
    one.data = one.data.astype("int32" if kind == "GSE2" else "float32")
    path = tmp_path / f"a [1].{kind}"
    one.write(str(path), format=kind)
    archive = open_archive([path], Selection())
    ((day, station),) = archive.days(DAY)
    (again,) = archive.read(station, day, day + DAY)
    assert again.stats.npts == 2000 and abs(again.stats.starttime - START) < 0.001


def test_many_stations_in_one_file(tmp_path):
    path = write(tmp_path / "all.mseed", record() + record(station="DEF"))
    archive = open_archive([path], Selection())
    days = archive.days(DAY)
    found = [archive.read(station, day, day + DAY) for day, station in days]
    assert [{one.stats.station for one in traces} for traces in found] == [{"ABC"}, {"DEF"}]
    assert [len(traces) for traces in found] == [3, 3] and len(open_archive([path], Selection()).entries) == 2


def test_large_files_are_read_in_blocks(tmp_path, monkeypatch):
    path = write(tmp_path / "a.mseed", record(300))
    whole = open_archive([path], Selection())
    ((_, station),) = whole.days(DAY)
    expected = whole.read(station, START.ns + 10**11, START.ns + 2 * 10**11)
    monkeypatch.setattr(archive_module, "BLOCK", 10_000)
    parts = open_archive([path], Selection())
    assert parts.days(DAY) == whole.days(DAY) and len(parts.entries[station]) > 20
    between = parts.parts(station, START.ns + 10**11, START.ns + 2 * 10**11)
    assert 0 < len(between) < len(parts.entries[station])  # only these are read
    assert sum(entry.part.size for entry in parts.entries[station]) == path.stat().st_size
    traces = parts.read(station, START.ns + 10**11, START.ns + 2 * 10**11)
    assert len(traces) > 10
    for one in expected:
        (piece,) = join([trace for trace in traces if trace.id == one.id])
        assert np.array_equal(piece.data, one.data) and piece.start == one.stats.starttime.ns


def test_named_twice_is_read_once(tmp_path):
    path = write(tmp_path / "a.mseed", record())
    assert len(open_archive([path, tmp_path, path], Selection()).entries[("XX", "ABC")]) == 1


def test_refuses_in_words(tmp_path):
    with pytest.raises(UserError, match="no such file or folder"):
        open_archive([tmp_path / "nowhere"], Selection())
    with pytest.raises(UserError, match="no waveforms found"):
        open_archive([tmp_path], Selection())
    (tmp_path / "text").write_text("x" * 5000)
    with pytest.raises(UserError, match="no waveforms that ObsPy reads"):
        open_archive([tmp_path / "text"], Selection())
