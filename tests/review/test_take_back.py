"""What comes back from Snuffler and SeisComP: moved, deleted, added, judged; nothing twice, nothing guessed."""

from __future__ import annotations

import pytest
from obspy import read_events
from review_cases import START, event, write_out

from minieqt.cli import main
from minieqt.errors import UserError
from minieqt.review.exports import MARKERS, write_markers, write_quakeml
from minieqt.review.journal import Journal
from minieqt.review.state import read_out, reviewed
from minieqt.review.take_back import describe, read_returned, take_back

EVENTS = [event(60 + 60 * k, (1, 0.9), (4, 0.8)) for k in range(5)]


@pytest.fixture
def case(tmp_path):
    out = read_out(write_out(tmp_path, EVENTS))
    return out, Journal(tmp_path)


def states(case):
    return list(reviewed(*case).values())


def back(case, path):
    picks, skipped = read_returned(path)
    assert not skipped
    return take_back(picks, *case, "snuffler")


@pytest.fixture
def markers(case, tmp_path):
    """As exported: a header, then P and S of each detection in turn."""
    path = tmp_path / "reviewed.markers"
    write_markers(path, states(case))
    return path


def test_an_untouched_file_changes_nothing(case, markers):
    assert describe(back(case, markers)) == "nothing new"
    assert not case[1].corrections


def test_markers(case, markers):
    head, *lines = markers.read_text().splitlines()
    lines[0] = lines[0].replace("01:01:01.000000  0", "01:01:01.250000  1")  # P moved, accepted
    lines[1] = lines[1].replace("  0 XX", "  1 XX")
    del lines[3]  # an S taken away
    lines[3:5] = [line.replace("  0 XX", "  2 XX") for line in lines[3:5]]  # none
    added = lines[0].replace("01:01:01.25", "01:10:00.00"), lines[1].replace("01:01:04", "01:10:03")
    markers.write_text("\n".join([head, *lines[:-2], *added, "event: 2022-02-06 01:00:00 0 x"]) + "\n")
    picks, skipped = read_returned(markers)
    assert skipped == {"marker that is no pick": 1}
    done = take_back(picks, *case, "snuffler")
    first, second, third, fourth, fifth, new = states(case)
    assert (first.verdict, first.p, first.s) == ("accepted", (START + 61.25).ns, (START + 64).ns)
    assert (second.verdict, second.s) == (None, None) and second.p == (START + 121).ns
    assert third.verdict == "rejected" and third.times() == {"P": (START + 181).ns, "S": (START + 184).ns}
    assert fourth.verdict is None and not fourth.moved("P")
    assert fifth.verdict is None and fifth.times()  # not in the file: nobody knows why
    assert (new.verdict, new.p, new.s) == ("accepted", (START + 600).ns, (START + 603).ns)
    assert done == {
        "picks moved": 1,
        "picks taken away": 1,
        "detections accepted": 1,
        "detections rejected": 1,
        "earthquakes added": 1,
        "detections without a pick in the file: left as they are": 1,
    }
    before = len(case[1].corrections)
    take_back(picks, *case, "snuffler")
    assert len(case[1].corrections) == before
    while case[1].undo("snuffler"):
        pass
    assert [(s.p, s.s, s.verdict) for s in states(case)] == [(e.p.time.ns, e.s.time.ns, None) for e in EVENTS]


@pytest.mark.parametrize("p, s, verdict", [(3, 3, "unsure"), (0, 3, "unsure"), (1, 3, "accepted")])
def test_an_earthquake_that_was_missed_may_be_unsure(case, tmp_path, p, s, verdict):
    line = "phase: 2022-02-06 01:{} {} XX.AAA..HHZ None None None {} None False"
    path = tmp_path / "unsure.markers"
    path.write_text("\n".join([MARKERS, line.format("10:00.0", p, "P"), line.format("10:03.0", s, "S")]))
    done = back(case, path)
    assert (done["earthquakes added"], done["detections unsure"]) == (1, verdict == "unsure")
    assert [state.verdict for state in states(case)] == [None] * 5 + [verdict]
    before = len(case[1].corrections)
    back(case, path)
    assert len(case[1].corrections) == before


def test_what_is_no_pair_is_said(case, tmp_path):
    path = tmp_path / "picks.csv"
    rows = ["XX,AAA,P,2022-02-06T01:10:00,one", "XX,AAA,S,2022-02-06T01:12:00,one"]
    path.write_text("\n".join(["network,station,phase,time,event", *rows]))
    assert back(case, path)["picks left out: S not within 55 s after P"] == 2 and not case[1].corrections


def test_what_one_detection_cannot_hold_is_said(case, markers):
    """A second earthquake within a detection, and P and S of other kinds."""
    head, *lines = markers.read_text().splitlines()
    lines[0] = lines[0].replace("  0 XX", "  1 XX")
    lines[1] = lines[1].replace("  0 XX", "  2 XX")
    second = [line.replace("01:02:0", "01:02:1") for line in lines[2:4]]
    markers.write_text("\n".join([head, *lines, *second]) + "\n")
    done = back(case, markers)
    assert done["picks left out: their detection has a nearer one of that phase"] == 2
    assert done["detections whose picks disagree on the verdict: taken as accepted"] == 1
    assert [state.p for state in states(case)][1] == (START + 121).ns and len(states(case)) == 5


def test_a_day_that_was_never_picked(case, markers):
    """A catalogue of other years holds no earthquakes that the network missed."""
    markers.write_text(markers.read_text().replace("2022-02-06", "2021-02-06"))
    done = back(case, markers)
    assert done["picks left out: nothing was picked at that time"] == 10 and not case[1].corrections


def test_quakeml(case, tmp_path):
    out, journal = case
    one, two, three, *_ = out.events
    for key, verdict in ((one, "accepted"), (two, "rejected"), (three, "accepted")):
        journal.write("anna", key, "verdict", None, verdict)
    journal.write("anna", one, "s", EVENTS[0].s.time.ns, (START + 65).ns)
    write_quakeml(tmp_path / "reviewed.xml", states(case), journal)
    catalogue = read_events(str(tmp_path / "reviewed.xml"))
    assert "moved" not in describe(back(case, tmp_path / "reviewed.xml"))
    catalogue[0].picks[0].time += 0.5
    catalogue[1].event_type = "earthquake"
    for pick in catalogue[1].picks:
        pick.evaluation_status = "confirmed"
    catalogue[2].event_type = "not existing"
    catalogue.write(str(tmp_path / "edited.xml"), "QUAKEML")
    done = back(case, tmp_path / "edited.xml")
    first, second, third, *_ = states(case)
    assert first.p == (START + 61.5).ns and first.s == (START + 65).ns
    assert (second.verdict, third.verdict) == ("accepted", "rejected")
    assert (done["picks moved"], done["detections accepted"], done["detections rejected"]) == (1, 1, 1)


def test_a_station_that_was_never_picked(case, markers):
    markers.write_text(markers.read_text().replace("AAA", "BBB"))
    done = back(case, markers)
    assert done["picks left out: nothing was picked at their station"] == 10 and not case[1].corrections


@pytest.mark.parametrize(
    "text, message",
    [
        ("# Snuffler Markers File Version 0.9\n", "another version than 0.2"),
        ("# Snuffler Markers File Version 0.2\nphase: soon 0 XX.AAA..HHZ\n", "line 2: not a phase marker"),
        ("nothing of the kind\n", "neither a table of picks nor a catalogue"),
    ],
)
def test_what_is_no_file_of_picks(text, message, tmp_path):
    (tmp_path / "file").write_text(text)
    with pytest.raises(UserError, match=message):
        read_returned(tmp_path / "file")


def test_the_command(case, markers, capsys):
    markers.write_text(markers.read_text().replace("01:01:01.000000  0", "01:01:01.250000  1", 1))
    command = ["review", str(case[0].path), "--take-back", str(markers), "--who", "anna"]
    assert main(command) == 0
    assert "10 picks; 1 picks moved, 1 detections accepted" in capsys.readouterr().out
    assert {correction.who for correction in Journal(case[0].path).corrections} == {"anna"}
    assert main(command) == 0 and "nothing new" in capsys.readouterr().out
