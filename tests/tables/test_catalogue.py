"""Which of an agency's picks are used, and what is said of the others."""

from __future__ import annotations

import pytest
from obspy import UTCDateTime
from obspy.core.event import Arrival, Catalog, Event, Magnitude, Origin, Pick, WaveformStreamID

from minieqt.errors import UserError
from minieqt.tables.catalogue import read_picks_of

P = UTCDateTime("2022-02-06T02:31:29.32Z")


def pick(shift=0.0, mode="manual", status=None, phase="P"):
    at = WaveformStreamID("PB", "B204", channel_code="EHZ")
    return Pick(time=P + shift, phase_hint=phase, waveform_id=at, evaluation_mode=mode, evaluation_status=status)


def read(tmp_path, *events, name="events [1].xml"):
    Catalog(list(events)).write(str(tmp_path / name), format="QUAKEML")
    return read_picks_of(tmp_path / name)


@pytest.mark.parametrize(
    "others, reason",
    [
        ([pick()], "another pick of the same arrival"),
        ([pick(-0.35, "automatic")], "another pick of the same arrival"),
        ([pick(-0.35, None)], "another pick of the same arrival"),
        ([pick(1.7)], "another pick of the same arrival"),  # Pg after Pn
        ([pick(-2.0, "automatic", "rejected")], "rejected pick"),
        ([pick(-2.0, "manual", "rejected")], "rejected pick"),
        ([pick(-1.0, phase="pP")], "phase pP"),
    ],
)
def test_the_analysts_pick_is_used(tmp_path, others, reason):
    for picks in ([pick(), *others], [*others, pick()]):
        found = read(tmp_path, Event(picks=picks))
        assert [onset.time for onset in found.onsets] == [P.ns]
        assert found.skipped == {reason: 1} and [why for _, why in found.unused] == [reason]


def test_of_two_alike_the_one_that_the_origin_was_located_with(tmp_path):
    first, second = pick(0, "automatic"), pick(0.2, "automatic")
    arrivals = [Arrival(pick_id=second.resource_id, phase="P"), Arrival(pick_id=first.resource_id, time_weight=0)]
    origin = Origin(time=P - 4, latitude=1.0, longitude=2.0, arrivals=arrivals)
    found = read(tmp_path, Event(picks=[first, second], origins=[origin]))
    assert [onset.time for onset in found.onsets] == [(P + 0.2).ns]


def test_an_event_that_is_none(tmp_path):
    origin = Origin(time=P - 4, latitude=1.0, longitude=2.0)
    found = read(tmp_path, Event(event_type="not existing", picks=[pick()], origins=[origin]))
    assert not found.onsets and not found.origins
    assert found.skipped == {"pick of an event of the type not existing": 1}


def test_what_is_known_of_the_event(tmp_path):
    origin = Origin(time=P - 4, latitude=47.5, longitude=-122.0, depth=12000)
    event = Event(picks=[pick()], origins=[origin], magnitudes=[Magnitude(mag=2.1, magnitude_type="Ml")])
    found = read(tmp_path, event)
    (onset,), name = found.onsets, str(event.resource_id)
    assert onset.event == name and onset.status == "manual" and found.origins[name].magnitude == 2.1
    assert onset.source == {
        "source_latitude": 47.5,
        "source_longitude": -122.0,
        "source_depth_km": 12.0,
        "source_magnitude": 2.1,
        "source_magnitude_type": "ml",
        "source_origin_time": "2022-02-06 02:31:25.320000",
    }


@pytest.mark.parametrize(
    "apart, statuses, kept",
    [(0, "mm", "m"), (0.04, "mm", "m"), (0.5, "mm", "mm"), (0.35, "am", "m"), (0.35, "ma", "m"), (2, "am", "am")],
)
def test_rows_without_an_event(tmp_path, apart, statuses, kept):
    words = {"m": "manual", "a": "automatic"}
    lines = [f"A,P,{P + t},{words[letter]}\n" for t, letter in zip((0, apart), statuses, strict=True)]
    (tmp_path / "a.csv").write_text("station,phase,time,status\n" + "".join(lines))
    found = read_picks_of(tmp_path / "a.csv")
    assert [onset.status for onset in found.onsets] == [words[letter] for letter in kept]


def test_files_that_hold_none(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_picks_of(tmp_path / "nowhere.xml")
    (tmp_path / "a.xml").write_text("<html></html>")
    with pytest.raises(UserError, match="neither a table of picks nor a catalogue"):
        read_picks_of(tmp_path / "a.xml")
    with pytest.raises(UserError, match="has no station codes"):
        read(tmp_path, Event(picks=[Pick(time=P, phase_hint="P")]))
