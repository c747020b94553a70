"""QuakeML that validates and comes back, and markers that Pyrocko reads."""

from __future__ import annotations

import pytest
from obspy import UTCDateTime, read_events
from review_cases import AT, HOSTILE, START, event, write_out

from minieqt.records.channel import Instrument
from minieqt.review.exports import write_markers, write_quakeml
from minieqt.review.journal import Journal
from minieqt.review.state import read_out, reviewed
from minieqt.tables.catalogue import read_picks_of

EVENTS = [event(60 * k, (1, 0.9), (3, 0.8)) for k in range(4)]


@pytest.fixture
def states(tmp_path):
    """Accepted with P moved and S deleted; rejected; unsure; not judged; accepted at a hostile station."""
    hostile = event(300, (1, 0.9), at=Instrument(HOSTILE, 'A&B"', "", "HH"))
    out, journal = read_out(write_out(tmp_path, [*EVENTS, hostile])), Journal(tmp_path)
    first, second, third, _, last = out.events
    p = EVENTS[0].p.time.ns
    journal.write("anna <&>", first, "p", p, p + 250_000_000)
    journal.write("anna <&>", first, "s", EVENTS[0].s.time.ns, None)
    for key, verdict in ((first, "accepted"), (second, "rejected"), (third, "unsure"), (last, "accepted")):
        journal.write("ben", key, "verdict", None, verdict)
    return reviewed(out, journal).values(), journal


def test_quakeml(states, tmp_path):
    pytest.importorskip("lxml")
    from obspy.io.quakeml.core import _validate

    path = tmp_path / "reviewed.xml"
    assert write_quakeml(path, *states) == 3
    assert _validate(str(path))
    first, second, _ = read_events(str(path))
    told = {(pick.phase_hint, pick.evaluation_status, pick.time.ns) for pick in first.picks}
    p, s = EVENTS[0].p.time.ns, EVENTS[0].s.time.ns
    assert told == {("P", "reviewed", p + 250_000_000), ("P", "rejected", p), ("S", "rejected", s)}
    assert {pick.evaluation_mode for pick in first.picks + second.picks} == {"manual"}
    assert second.event_type == "not existing" and {x.evaluation_status for x in second.picks} == {"rejected"}
    assert first.creation_info.author == "ben" and first.picks[0].creation_info.author == "anna <&>"
    onsets = read_picks_of(path).onsets  # as `import` and `compare` read it
    assert [(o.phase, o.time, o.status) for o in onsets[:1]] == [("P", p + 250_000_000, "manual")] and len(onsets) == 2


def test_markers(states, tmp_path):
    path = tmp_path / "reviewed.markers"
    assert write_markers(path, states[0]) == 6
    head, *lines = path.read_text().splitlines()
    assert head == "# Snuffler Markers File Version 0.2"
    words = [line.split() for line in lines]
    assert {len(each) for each in words} == {11}
    when = UTCDateTime(ns=EVENTS[0].p.time.ns + 250_000_000).strftime("%Y-%m-%d %H:%M:%S.%f").split()
    assert words[0] == ["phase:", *when, "1", "XX.AAA..HHZ", "None", "None", "None", "P", "None", "False"]
    assert [each[-1] for each in words] == ["False", "False", "False", "True", "True", "False"]


def test_pyrocko_reads_the_markers(states, tmp_path):
    marker = pytest.importorskip("pyrocko.gui.snuffler.marker")
    write_markers(tmp_path / "reviewed.markers", states[0])
    found = marker.load_markers(str(tmp_path / "reviewed.markers"))
    times = [time for state in states[0] if state.verdict != "rejected" for time in state.times().values()]
    assert [round(each.tmin * 1e6) for each in found] == [round(time / 1e3) for time in times]
    assert all(isinstance(each, marker.PhaseMarker) for each in found)
    assert found[0].one_nslc() == ("XX", "AAA", "", "HHZ") and found[0].get_label() == "P"
    assert START < UTCDateTime(found[0].tmin) and AT.band == "HH"
