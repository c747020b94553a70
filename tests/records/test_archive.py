"""Finding records: files, folders, SDS; selections; what cannot be read."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from obspy import Stream, UTCDateTime
from records import START, record, trace

from minieqt.errors import UserError
from minieqt.records import contents as contents_module
from minieqt.records.archive import DAMAGED, open_archive
from minieqt.records.contents import EMPTY, FORBIDDEN, RUBBISH, UNKNOWN
from minieqt.records.find import DANGLING
from minieqt.records.gap import pieces
from minieqt.records.join import join
from minieqt.records.left_out import LeftOut
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
    return [(UTCDateTime(ns=day).julday, station[1]) for day, station in archive.days()]


def test_a_whole_archive(sds):
    archive = open_archive([sds], Selection())
    assert found(archive) == [(37, "ABC"), (37, "DEF"), (38, "ABC"), (38, "DEF")]
    assert sum(archive.unreadable.values()) == 1
    day, station = archive.days()[0]
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
        day, station = archive.days()[0]
        assert all(one.stats.endtime < options["end"] for one in archive.read(station, day, day + DAY))


@pytest.mark.parametrize("kind", ["MSEED", "SAC"])
def test_what_one_selection_ends_with_the_next_begins_after(tmp_path, kind):
    """Every sample is of one of the two, on the edge or near it."""
    edge = UTCDateTime(2022, 2, 7)
    for station, off in (("ON", 0), ("BEFORE", -0.0049), ("AFTER", 0.0049)):
        write(tmp_path / station, Stream([trace(20, station=station[:5], start=edge - 10 + off)]), kind)
    for station, first in (("ON", 1000), ("BEFOR", 1001), ("AFTER", 1000)):
        for selection, day, samples in ((Selection(end=edge), 37, first), (Selection(edge), 38, 2000 - first)):
            archive = open_archive([tmp_path], selection)
            assert (day, station) in found(archive) and len(found(archive)) == 3
            (one,) = archive.read(("XX", station), edge.ns - DAY, edge.ns + DAY)
            assert one.stats.npts == samples and (one.stats.starttime < edge) == (day == 37)


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
    ((day, station),) = archive.days()
    (again,) = archive.read(station, day, day + DAY)
    assert again.stats.npts == 2000 and abs(again.stats.starttime - START) < 0.001


def test_many_stations_in_one_file(tmp_path):
    path = write(tmp_path / "all.mseed", record() + record(station="DEF"))
    archive = open_archive([path], Selection())
    days = archive.days()
    found = [archive.read(station, day, day + DAY) for day, station in days]
    assert [{one.stats.station for one in traces} for traces in found] == [{"ABC"}, {"DEF"}]
    assert [len(traces) for traces in found] == [3, 3] and len(open_archive([path], Selection()).entries) == 2


def test_large_files_are_read_in_blocks(tmp_path, monkeypatch):
    path = write(tmp_path / "a.mseed", record(300))
    whole = open_archive([path], Selection())
    ((_, station),) = whole.days()
    expected = whole.read(station, START.ns + 10**11, START.ns + 2 * 10**11)
    monkeypatch.setattr(contents_module, "BLOCK", 10_000)
    parts = open_archive([path], Selection())
    assert parts.days() == whole.days() and len(parts.entries[station]) > 20
    between = parts.parts(station, START.ns + 10**11, START.ns + 2 * 10**11)
    assert 0 < len(between) < len(parts.entries[station])  # only these are read
    assert sum(entry.part.size for entry in parts.entries[station]) == path.stat().st_size
    traces = parts.read(station, START.ns + 10**11, START.ns + 2 * 10**11)
    assert len(traces) > 10
    for one in expected:
        (piece,) = join(
            (part for one_trace in traces if one_trace.id == one.id for part in pieces(one_trace, LeftOut())), LeftOut()
        )
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


def samples(archive):
    """How many there are in all of an archive."""
    found = (archive.read(station, day, day + DAY - 1) for day, station in archive.days())
    return sum(one.stats.npts for traces in found for one in traces)


def reasons(archive):
    return dict(archive.unreadable)


def test_linked_folders_are_entered_and_loops_end(sds, tmp_path_factory):
    links = tmp_path_factory.mktemp("links")
    (links / "2022").symlink_to(sds / "2022")
    (links / "again").symlink_to(sds / "2022" / "XX" / "ABC")
    (links / "loop").symlink_to(links)
    (links / "gone").symlink_to(links / "nowhere")
    archive = open_archive([links], Selection())
    assert found(archive) == [(37, "ABC"), (37, "DEF"), (38, "ABC"), (38, "DEF")]
    assert samples(archive) == 4 * 3 * 2000 and reasons(archive) == {DANGLING: 1}


def test_what_minieqt_wrote_is_no_record(sds):
    for folder in (sds / "earlier", sds / "now"):
        (folder / "station_days").mkdir(parents=True)
        write(folder / "probabilities" / "a.mseed", record(20))
    write(sds / "now" / "data.mseed", record(20, station="OUT"))
    archive = open_archive([sds], Selection(), out=sds / "now")
    assert {station[1] for station in archive.entries} == {"ABC", "DEF"} and samples(archive) == 4 * 3 * 2000


@pytest.mark.parametrize("day", ["000", "366", "999"])
def test_a_day_that_no_year_has(sds, day):
    (path,) = sds.rglob("XX.ABC..HHZ.D.2022.037")
    path.rename(path.with_name(f"XX.ABC..HHZ.D.2022.{day}"))
    assert samples(open_archive([sds], Selection(end=UTCDateTime(2022, 12, 31)))) == 4 * 3 * 2000


def test_a_record_of_another_time_makes_one_day(tmp_path):
    early, late = record(5, start=UTCDateTime(1980, 1, 6)), record(5, start=UTCDateTime(2099, 1, 1))
    path = write(tmp_path / "a.mseed", early + record(60) + late)
    assert [UTCDateTime(ns=day).year for day, _ in open_archive([path], Selection()).days()] == [1980, 2022, 2099]


def as_bytes(stream, **options):
    held = io.BytesIO()
    stream.copy().write(held, format="MSEED", **options)
    return held.getvalue()


@pytest.mark.parametrize("block", [3000, 2**21])
@pytest.mark.parametrize("state", ["mixed", "truncated", "blank", "shifted", "headless"])
def test_a_file_in_any_state(tmp_path, monkeypatch, state, block):
    """Records of two lengths, a half one, an empty one, rubbish between them or before: all whole ones are read."""
    monkeypatch.setattr(contents_module, "BLOCK", block)
    early, late = (
        Stream([trace(30, code, start=START + at, dtype="int32") for code in ("HHN", "HHZ")]) for at in (0, 30)
    )
    data = as_bytes(early, reclen=512)
    rest = as_bytes(late, reclen=4096 if state == "mixed" else 512)
    data = {
        "mixed": data + rest,
        "truncated": (data + rest)[:-300],
        "blank": data + bytes(512) + rest,
        "shifted": data + b"rubbish" * 15 + rest,
        "headless": b"rubbish" * 15 + data + rest,
    }[state]
    (tmp_path / "a.mseed").write_bytes(data)
    archive = open_archive([tmp_path], Selection())
    lost = 12000 - samples(archive)
    assert 0 < lost < 500 if state == "truncated" else lost == 0
    assert reasons(archive) == ({} if state in ("mixed", "blank") else {RUBBISH: 1})


@pytest.mark.parametrize("damage", ["encoding", "frames", "count"])
def test_a_damaged_record_is_left_out_alone(tmp_path, damage):
    data, at = bytearray(as_bytes(Stream([trace(60, dtype="int32")]), reclen=512)), 512 * 5
    if damage == "encoding":
        data[at + 52] = 77
    elif damage == "frames":
        data[at + 64 : at + 512] = b"\xff" * 448
    else:
        data[at + 30 : at + 32] = (9999).to_bytes(2, "big")
    (tmp_path / "a.mseed").write_bytes(data)
    archive = open_archive([tmp_path], Selection())
    ((day, station),) = archive.days()
    left_out = LeftOut()
    traces = archive.read(station, day, day + DAY - 1, left_out)
    (row,) = left_out
    assert (row.id, row.reason, row.path) == ("XX.ABC..HHZ", DAMAGED, str(tmp_path / "a.mseed"))
    kept = [piece for one in traces for piece in pieces(one, LeftOut())]
    assert 5000 < sum(one.stats.npts for one in traces) < 6000 and len(join(kept, LeftOut())) == 2


def test_files_that_are_none(tmp_path, monkeypatch):
    write(tmp_path / "good.mseed", record(20))
    (tmp_path / "empty.mseed").touch()
    (tmp_path / "text.mseed").write_text("nothing to hear" * 500)
    (tmp_path / "folder.mseed").mkdir()
    write(tmp_path / "forbidden.mseed", record(20, station="DEF"))
    real = Path.open

    def refuse(path, *mode, **options):
        if path.name == "forbidden.mseed":
            raise PermissionError(13, "Permission denied")
        return real(path, *mode, **options)

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    archive = open_archive([tmp_path], Selection())
    assert samples(archive) == 6000 and reasons(archive) == {EMPTY: 1, UNKNOWN: 1, FORBIDDEN: 1}
    named = open_archive(sorted(path for path in tmp_path.iterdir() if path.is_file()), Selection())
    assert samples(named) == 6000  # one bad file of many that were named ends nothing


def test_a_clock_that_drifts_keeps_its_own_times(tmp_path):
    """Records say 100 Hz and come 0.01 % late: ObsPy makes one trace of them, whose end is off."""
    stream = Stream()
    one = trace(3600, dtype="int32")
    time = START
    for first in range(0, 360000, 400):
        part = trace(4, start=time, dtype="int32")
        part.data = one.data[first : first + 400]
        stream += part
        time += 4.0004
    data = b"".join(as_bytes(Stream([part]), reclen=4096) for part in stream)
    (tmp_path / "a.mseed").write_bytes(data)
    archive = open_archive([tmp_path], Selection())
    ((day, station),) = archive.days()
    found = archive.read(station, day, day + DAY - 1)
    assert sum(part.stats.npts for part in found) == 360000 and len(found) > 100
    for part in found:
        starts = [abs(other.stats.starttime - part.stats.starttime) for other in stream]
        assert min(starts) < 0.0002


def test_lower_case_codes_are_selected(tmp_path):
    path = write(tmp_path / "a.mseed", record(20, station="abc", channels=("hhz",)))
    assert samples(open_archive([path], Selection(stations=("XX.ABC",)))) == 2000
