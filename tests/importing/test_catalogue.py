"""Pick tables of many shapes, the same pairs."""

from __future__ import annotations

import pytest
from obspy import UTCDateTime
from obspy.core.event import Catalog, Event, Magnitude, Origin, Pick, WaveformStreamID

from minieqt.errors import UserError
from minieqt.importing.catalogue import read_catalogue

P, S = UTCDateTime("2022-02-06T02:31:29.32Z"), UTCDateTime("2022-02-06T02:31:34.43Z")
STATION = ("PB", "B204")


def written(tmp_path, text, name="picks.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        f"network,station,phase,time\nPB,B204,P,{P}\nPB,B204,S,{S}\n",
        f"station,phase,timestamp\nPB.B204..EH,Pg,{P.timestamp}\nPB.B204..EH,Sn,{S.timestamp}\n",
        f"id,type,time,event_id\nPB.B204.,s,{S},7\nPB.B204.,p,{P},7\n",
        f"network,station,p_arrival_time,s_arrival_time\nPB,B204,{P},{S}\n",
        f"network,station,phase,time\nPB,B204,P,{P}\nPB,B204,S,{S}\nPB,B204,S,{S + 1}\nPB,X,P,{P}\nPB,B204,Lg,{S}\n",
    ],
)
def test_tables_of_many_shapes(tmp_path, text):
    (pair,) = read_catalogue(written(tmp_path, text)).pairs[STATION]
    assert (pair.p.time, pair.s.time) == (P.ns, S.ns) and (pair.p.phase, pair.s.phase) == ("P", "S")


def test_an_analysts_table(shared):
    catalogue = read_catalogue(shared / "data/PB.B204.csv")
    pairs = catalogue.pairs[STATION]
    assert len(pairs) == 7 and catalogue.skipped == {"S without P": 1, "P without S": 1}
    assert pairs[1].p.time == P.ns and pairs[1].s.time == S.ns
    assert pairs[1].p.event == "uw61815151" and pairs[1].p.status == "manual"
    assert len(catalogue.onsets[STATION]) == 16


def test_quakeml(tmp_path):
    where = WaveformStreamID("PB", "B204", channel_code="EHZ")
    picks = [Pick(time=time, phase_hint=hint, waveform_id=where) for time, hint in ((S, "S"), (P, "P"), (P, "pP"))]
    origin = Origin(time=P - 4, latitude=47.5, longitude=-122.0, depth=12000)
    event = Event(picks=picks, origins=[origin], magnitudes=[Magnitude(mag=2.1, magnitude_type="Ml")])
    Catalog([event]).write(str(tmp_path / "events.xml"), format="QUAKEML")
    catalogue = read_catalogue(tmp_path / "events.xml")
    (pair,) = catalogue.pairs[STATION]
    assert (pair.p.time, pair.s.time) == (P.ns, S.ns) and pair.p.event == str(event.resource_id)
    assert catalogue.skipped == {"phase that is neither P nor S": 1}
    assert pair.p.source == {
        "source_latitude": 47.5,
        "source_longitude": -122.0,
        "source_depth_km": 12.0,
        "source_magnitude": 2.1,
        "source_magnitude_type": "ml",
        "source_origin_time": "2022-02-06 02:31:25.320000",
    }


def test_an_unnamed_s_that_comes_too_late_is_no_pair(tmp_path):
    text = f"station,phase,time\nA,P,{P}\nA,S,{P + 56}\nA,P,{P + 100}\nA,P,{P + 110}\nA,S,{P + 115}\nA,S,soon\n"
    catalogue = read_catalogue(written(tmp_path, text))
    (pair,) = catalogue.pairs["", "A"]
    assert pair.p.time == (P + 110).ns
    assert catalogue.skipped == {"row without a time": 1, "S not within 55 s after P": 1, "P without S": 1}


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("a.csv", "station,time\nA,1\n", r"no column phase \(or phase_hint, phase_type, type\)"),
        ("a.csv", "", "no column station"),
        ("a.csv", f"station,phase,time\nA,P,{P}\n", r"1 picks and no P and S .*1 × P without S"),
        ("a.xml", "<html></html>", "neither a CSV nor events"),
    ],
)
def test_what_is_no_catalogue(tmp_path, name, text, message):
    with pytest.raises(UserError, match=message):
        read_catalogue(written(tmp_path, text, name))
