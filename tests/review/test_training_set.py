"""Corrections as windows in STEAD's layout."""

from __future__ import annotations

import csv

import pytest
from obspy import UTCDateTime
from review_cases import AT, START, event, records, write_out

from minieqt.cli import main
from minieqt.data.stead import Stead
from minieqt.errors import UserError
from minieqt.records.archive import open_archive
from minieqt.records.selection import Selection
from minieqt.records.stations import Coordinates
from minieqt.review.journal import Journal
from minieqt.review.state import read_out, reviewed
from minieqt.review.training_set import write_training_set

ONSETS = [(100, 103), (300, 304), (500, 502)]


@pytest.fixture
def case(tmp_path):
    files = records(tmp_path / "xx.aaa", ONSETS)
    events = [event(p - 0.5, (0.8, 0.9), (s - p + 0.5, 0.9)) for p, s in ONSETS] + [event(400, (1, 0.5))]
    out = read_out(write_out(tmp_path / "out", events, files))
    return out, Journal(out.path), open_archive(files, Selection())


def write(case, name, overwrite=False):
    out, journal, archive = case
    states = reviewed(out, journal).values()
    return write_training_set(name, states, archive, Coordinates(), (1.0, 45.0), 0, overwrite)


def test_accepted_are_earthquakes_and_rejected_noise(case, tmp_path):
    out, journal, _ = case
    first, _, unsure, none = out.events
    moved = (START + 100).ns
    journal.write("anna", first, "p", out.events[first].p.time.ns, moved)
    for key, verdict in ((first, "accepted"), (none, "rejected"), (unsure, "unsure")):
        journal.write("anna", key, "verdict", None, verdict)
    counts = write(case, tmp_path / "set")
    assert (counts["earthquakes"], counts["noise"]) == (1, 1)
    with open(tmp_path / "set.csv") as file:
        rows = {row["trace_category"]: row for row in csv.DictReader(file)}
    quake, noise = rows["earthquake_local"], rows["noise"]
    start = UTCDateTime(quake["trace_start_time"])
    assert abs((start + float(quake["p_arrival_sample"]) / 100).ns - moved) <= 10**7 and quake["p_status"] == "manual"
    assert quake["source_id"] == first and quake["receiver_code"] == AT.station
    begin = UTCDateTime(noise["trace_start_time"])
    inside = [t for e in out.events.values() for pick in e.picks() if begin <= (t := pick.time) < begin + 60]
    assert inside == [pick.time for pick in out.events[none].picks()]  # its own, which are none
    with Stead(tmp_path / "set.hdf5", tmp_path / "set.csv") as data:
        assert len(data) == 2


def test_an_export_without_windows_leaves_no_older_ones(case, tmp_path, capsys):
    out, journal, _ = case
    key = next(iter(out.events))
    journal.write("anna", key, "verdict", None, "accepted")
    arguments = ["review", str(out.path), "--export", str(tmp_path / "reviewed"), "--overwrite"]
    assert main(arguments) == 0
    assert (tmp_path / "reviewed" / "training.csv").exists()
    journal.write("anna", key, "verdict", "accepted", "unsure")
    assert main(arguments) == 0
    assert "no training window" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "reviewed").iterdir()} == {
        "reviewed.xml",
        "reviewed.markers",
        "report.json",
    }


def test_one_thing_at_a_time(case, tmp_path):
    """Of --take-back and --export, the latter was passed over."""
    review = ["review", str(case[0].path)]
    with pytest.raises(UserError, match="one at a time"):
        main([*review, "--export", str(tmp_path / "reviewed"), "--take-back", __file__])
    with pytest.raises(UserError, match="one at a time"):
        main([*review, "--export", str(tmp_path / "reviewed"), "--explain"])
    with pytest.raises(UserError, match="about the files of --export"):
        main([*review, "--overwrite"])


def test_nothing_judged_is_an_error(case, tmp_path):
    with pytest.raises(UserError, match="nothing was judged"):
        write(case, tmp_path / "set")
    assert not (tmp_path / "set.hdf5").exists()
    (tmp_path / "set.csv").write_text("mine")
    with pytest.raises(UserError, match="already there"):
        write(case, tmp_path / "set")
