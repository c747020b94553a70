"""Pick sets from every layout that is promised, and one line for files that are none."""

from __future__ import annotations

import pytest
from obspy import UTCDateTime
from obspy.core.event import Catalog, Event, Magnitude, Origin, Pick, WaveformStreamID

from minieqt.errors import UserError
from minieqt.evaluation.pick_sets import read_picks
from minieqt.picking.events import Event as Detection
from minieqt.picking.events import Pick as OurPick
from minieqt.picking.results import Events
from minieqt.records.channel import Instrument

TIME = UTCDateTime("2022-02-06T02:31:29.320000Z")


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def told(picks):
    return [(p.network, p.station, p.phase, p.time) for p in picks.picks]


def one_detection():
    at = Instrument("PB", "B204", "", "EH")
    p, s = (OurPick(at, "EHZ", phase, TIME + t, 0.9, None, 0.1, 12.0) for phase, t in (("P", 0), ("S", 5)))
    return Events([Detection(at, TIME, TIME + 9, 0.9, None, p, s)])


EXPECTED = [("PB", "B204", "P", TIME.ns), ("PB", "B204", "S", (TIME + 5).ns)]


def test_whatever_minieqt_writes(tmp_path):
    found = one_detection()
    found.to_csv_of_picks(tmp_path / "picks.csv")
    found.to_csv(tmp_path / "x.csv")
    found.picks().to_association(tmp_path / "association.csv")
    found.picks().to_gamma(tmp_path / "association_gamma.csv")
    found.to_quakeml(tmp_path / "picks.xml")
    for name in ("picks.csv", "x.csv", "association.csv", "association_gamma.csv", "picks.xml"):
        picks = read_picks(tmp_path / name)
        assert told(picks) == EXPECTED, name
        assert not picks.origins
        assert len(picks.events()) == (0 if name.startswith("association") else 1), name


def test_the_analysts_of_pb_b204(shared):
    picks = read_picks(shared / "data" / "PB.B204.csv")
    assert len(picks) == 16 and len(picks.events()) == 9
    assert ("PB", "B204", "P", TIME.ns) in told(picks)
    early = picks.between(None, UTCDateTime("2022-02-06T04:00:00"))
    assert len(early) == 4 and early.skipped == {"outside the time asked for": 12}
    at = UTCDateTime(ns=early.picks[1].time)
    assert len(picks.between(None, at)) == 1 and len(picks.between(at, None)) == 15


def test_other_names_of_columns(tmp_path):
    text = "Sta,Phase_Hint,Arrival_Time\nABC,Pn,2022-02-06 02:31:29.32\nABC,Sg,1644114694.32\nABC,Lg,5\nABC,P,\n"
    picks = read_picks(write(tmp_path / "a.csv", text))
    assert told(picks) == [("", "ABC", phase, time) for _, _, phase, time in EXPECTED]
    assert picks.skipped == {"phase Lg": 1, "row without a time": 1} and picks.stations().tolist() == ["ABC", "ABC"]


def test_quakeml_with_origins(tmp_path):
    waveform = WaveformStreamID("PB", "B204", channel_code="EHZ")
    picks = [Pick(time=TIME, phase_hint=phase, waveform_id=waveform) for phase in ("P", "Lg")]
    origin = Origin(time=TIME - 3, latitude=46.2, longitude=-122.2, depth=5000)
    event = Event(picks=picks, origins=[origin], magnitudes=[Magnitude(mag=1.5)])
    Catalog([event]).write(str(tmp_path / "c.xml"), format="QUAKEML")
    found = read_picks(tmp_path / "c.xml")
    assert told(found) == EXPECTED[:1] and found.skipped == {"phase Lg": 1}
    (place,) = found.origins.values()
    assert (place.time, place.latitude, place.magnitude) == ((TIME - 3).ns, 46.2, 1.5)
    assert found.events() == {found.picks[0].event: [0]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("phase,time\nP,2022-02-06\n", "has no column station"),
        ("station,phase,time\n,P,2022-02-06\n", "line 2: no station code"),
        ("station,phase,time\nABC,P,yesterday\n", "line 2: 'yesterday' is no time"),
        ("station,magnitude\nABC,1\n", "has no column phase"),
        ("", "has no column station"),
    ],
)
def test_mistakes_in_tables(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        read_picks(write(tmp_path / "a.csv", text))


def test_mistakes_in_files(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_picks(tmp_path / "nowhere.csv")
    with pytest.raises(UserError, match="nor a catalogue that ObsPy reads"):
        read_picks(write(tmp_path / "a.xml", "<a/>"))
    Catalog([Event(picks=[Pick(time=TIME, phase_hint="P")])]).write(str(tmp_path / "b.xml"), format="QUAKEML")
    with pytest.raises(UserError, match="has no station codes"):
        read_picks(tmp_path / "b.xml")
    with pytest.raises(UserError, match="not a CSV file"):
        (tmp_path / "c.csv").write_bytes(b"station,phase,time\n\xff\xfe\n")
        read_picks(tmp_path / "c.csv")


def test_an_empty_table_is_an_empty_set(tmp_path):
    assert len(read_picks(write(tmp_path / "a.csv", "station,phase,time\n"))) == 0
