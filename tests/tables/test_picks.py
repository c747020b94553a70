"""Tables of picks of many programs: the same picks out of all of them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obspy import UTCDateTime

from minieqt.errors import UserError
from minieqt.tables.picks import is_table, phase_of, read_table, station_of, status_of

P, S = UTCDateTime("2022-02-06T02:31:29.32Z"), UTCDateTime("2022-02-06T02:31:34.43Z")
ISO = [str(time)[:23] for time in (P, S)]
ID = "PB.B204..EH"
TABLES = {
    "PhaseNet": f"station_id,begin_time,phase_index,phase_time,phase_score,phase_type,file_name\n"
    f"{ID},2022-02-06,1,{ISO[0]},0.9,P,a\n{ID},2022-02-06,2,{ISO[1]},0.9,S,a\n",
    "QuakeFlow": f"id,timestamp,type,prob,amp\n{ID},{ISO[0]},p,0.9,1e-6\n{ID},{ISO[1]},s,0.9,1e-6\n",
    "GaMMA": f"station_id,phase_index,phase_time,phase_score,phase_type,phase_amplitude,event_index,gamma_score\n"
    f"{ID},1,{ISO[0]},0.9,P,1e-6,-1,20\n{ID},2,{ISO[1]},0.9,S,1e-6,-1,-1\n",
    "PyOcto": f"event_idx,pick_idx,residual,station,phase,time\nNaN,0,0.1,PB.B204.,P,{P.timestamp}\n"
    f"NaN,1,0.1,PB.B204.,S,{S.timestamp}\n",
    "SeisBench": "trace_id,start_time,end_time,peak_time,peak_value,phase\n"
    f"PB.B204.,x,x,{P},0.9,P\nPB.B204.,x,x,{S},1,S\n",
    "EQTransformer": f"file_name,network,station,p_arrival_time,s_arrival_time\na,PB,B204,{ISO[0]},{ISO[1]}\n",
    "easyQuake": f"PB B204 EHZ P {ISO[0]}\nPB B204 EH1 S {ISO[1]}\n",
    "milliseconds": f"network,station,phase,time\nPB,B204,P,{P.ns // 10**6}\nPB,B204,S,{S.ns // 10**6}\n",
    "compact": "Network,STA,Phase,Time\nPB,B204,Pg,20220206023129.32\nPB,B204,Sn,20220206023134.430\n",
    "semicolons": f"network;station;phase;time\nPB;B204;P;{ISO[0]}\nPB;B204;S;{ISO[1]}\n",
    "tabs": f"net\tsta\tphase\ttime\nPB\tB204\tP\t{ISO[0]}\nPB\tB204\tS\t{ISO[1]}\n",
    "American": "net,sta,phase,time\nPB,B204,P,2/6/2022 2:31:29.32\nPB,B204,S,2/6/2022 2:31:34.43\n"
    "PB,B204,Lg,2/16/2022 10:00\n",
}


def written(tmp_path, text, name="picks.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("file", ["picks.csv", "picks [1].txt"])
def test_the_same_picks_in_every_layout(tmp_path, name, file):
    path = written(tmp_path, TABLES[name], file)
    assert is_table(path)
    found = read_table(path, Counter())
    assert [(o.network, o.station, o.phase, o.time) for o in found] == [
        ("PB", "B204", "P", P.ns),
        ("PB", "B204", "S", S.ns),
    ]
    assert (name == "EQTransformer") == any(onset.event for onset in found)


def test_events_status_and_source(tmp_path):
    text = f"station,phase,time,event_id,status,source_magnitude\nA,P,{P},7,reviewed,2.1\nA,S,{S},-1,rejected,NA\n"
    p, s = read_table(written(tmp_path, text), Counter())
    assert (p.event, p.status, p.source) == ("7", "manual", {"source_magnitude": "2.1"})
    assert (s.event, s.status, s.source) == ("", "rejected", {})


def test_mode_and_status_count_together(tmp_path):
    """As in QuakeML: a rejected pick of an analyst is none."""
    states = ("manual,rejected", "automatic,reviewed", "automatic,preliminary")
    rows = "".join(f"A,P,{P + n},{state}\n" for n, state in enumerate(states))
    text = f"station,phase,time,evaluation_mode,evaluation_status\n{rows}"
    found = read_table(written(tmp_path, text), Counter())
    assert [onset.status for onset in found] == ["rejected", "manual", "automatic"]


def test_rows_that_cannot_be_used_are_counted(tmp_path):
    text = f"station,phase,time\nA,P,{P}\nA,P,NA\nA,P,soon\n,P,{P}\nA,Lg,{P}\nA,S,99999\n\nA\n"
    skipped = Counter()
    assert len(read_table(written(tmp_path, text), skipped)) == 1
    assert skipped == {
        "row without a time": 1,
        "row whose time is none": 2,
        "row without a station": 1,
        "phase Lg": 1,
        "phase without a name": 1,
    }


@pytest.mark.parametrize(
    "text, words",
    [
        ("station,phase,time\nA,P,99999\n", "line 2: '99999' is no time between 1900 and 2100"),
        ("station,phase,time\n,P,2022-02-06\n", "line 2: no station code"),
        ("station,time\nA,1\n", r"no column phase \(or phase_hint, phase_type, phase_label, type\)"),
        ("", "no column station"),
        ("\x00\n\x00", "no column station"),
    ],
)
def test_what_is_no_table_of_picks(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        read_table(written(tmp_path, text), Counter())


@pytest.mark.parametrize("name, phase", [("P", "P"), ("p", "P"), ("Pg", "P"), ("Sn", "S"), ("IP", "P"), ("S1", "S")])
def test_phases(name, phase):
    assert phase_of(name) == phase
    assert not any(map(phase_of, ("Lg", "pP", "PP", "SP", "PKP", "", None, "NA")))


def test_codes():
    assert station_of("", "PB.B204..EHZ") == station_of("XX", "PB.B204.") == station_of("PB", "B204") == ("PB", "B204")
    assert station_of(None, "nan.B204.00") == ("", "B204") and station_of("NA", "SABA") == ("NA", "SABA")
    assert station_of("II", "NIL") == station_of("", "II.NIL.00.BH") == ("II", "NIL")


def test_statuses():
    assert status_of("automatic", "rejected") == "rejected" and status_of("automatic", "reviewed") == "manual"
    assert status_of("automatic", "preliminary") == "automatic" and status_of(None, "NA") == ""


@given(st.text(max_size=300))
def test_any_text_is_a_table_or_one_line(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "a.csv"
    path.write_bytes(("station,phase,time\n" + text).encode("utf-8", "replace"))
    try:
        read_table(path, Counter())
    except UserError as error:
        assert len(str(error).splitlines()) == 1
