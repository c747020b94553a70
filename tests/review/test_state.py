"""Detections with their corrections applied."""

from __future__ import annotations

import os

import pytest
from review_cases import AT, START, event, write_out

from minieqt.errors import UserError
from minieqt.review.journal import Journal
from minieqt.review.state import key_of, new_event, orphans, read_out, reviewed


def test_corrections_are_applied(tmp_path):
    events = [event(0, (1, 0.9), (3, 0.8)), event(60, (1, 0.9)), event(120)]
    out, journal = read_out(write_out(tmp_path, events)), Journal(tmp_path)
    first, second, third = out.events
    journal.write("anna", first, "p", events[0].p.time.ns, events[0].p.time.ns + 5)
    journal.write("anna", first, "s", events[0].s.time.ns, None)
    journal.write("anna", second, "s", None, 77)
    journal.write("anna", third, "verdict", None, "rejected")
    added = key_of(AT, START.ns + 5)
    journal.write("anna", added, "event", None, new_event(AT, START.ns + 5, START.ns + 9))
    journal.write("anna", added, "p", None, START.ns + 6)
    journal.write("anna", "XX.GONE..HH/1", "p", 1, 2)
    states = reviewed(out, journal)
    assert list(states) == [first, added, second, third]
    assert states[first].times() == {"P": events[0].p.time.ns + 5} and states[first].moved("S")
    assert states[second].times() == {"P": events[1].p.time.ns, "S": 77} and not states[second].moved("P")
    assert states[third].verdict == "rejected" and states[added].found is None and states[added].p == START.ns + 6
    assert orphans(out, journal) == ["XX.GONE..HH/1"]
    while journal.undo("anna"):
        pass
    assert reviewed(out, journal) == reviewed(out, Journal(tmp_path / "nothing"))


def test_an_added_event_that_is_nonsense_is_none(tmp_path):
    out, journal = read_out(write_out(tmp_path, [event(0)])), Journal(tmp_path)
    journal.write("anna", "a", "event", None, {"instrument": ["XX"], "start": 1, "end": 2})
    journal.write("anna", "b", "event", None, {})
    assert list(reviewed(out, journal)) == list(out.events)


def test_station_days_of_the_newest_run_only(tmp_path):
    write_out(tmp_path, [event(0)], made="old")
    (tmp_path / "station_days/XX.AAA.2022-02-06.json").rename(tmp_path / "station_days/XX.AAA.2022-02-05.json")
    os.utime(tmp_path / "station_days/XX.AAA.2022-02-05.json", (1, 1))
    out = read_out(write_out(tmp_path, [event(60)], made="new"))
    assert list(out.events) == [key_of(AT, (START + 60).ns)] and out.foreign == 1


def test_what_is_no_out(tmp_path):
    with pytest.raises(UserError, match="no station_days"):
        read_out(tmp_path)
    with pytest.raises(UserError, match="no detection"):
        read_out(write_out(tmp_path, []))
    (tmp_path / "station_days/XX.AAA.2022-02-06.json").write_text("{")
    with pytest.raises(UserError, match="can be read"):
        read_out(tmp_path)
