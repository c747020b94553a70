"""Which channel serves which stretch of time, and that what is passed over is counted."""

from __future__ import annotations

import pytest
from obspy import Stream
from records import START, record, trace

from minieqt.records.channel import Instrument
from minieqt.records.left_out import LeftOut
from minieqt.records.prepare import prepare
from minieqt.records.serve import ANOTHER_CHANNEL, ANOTHER_INSTRUMENT, group, serve, share_out
from minieqt.records.span import SECOND

DAY = (START.ns - 3600 * SECOND, START.ns + 20 * 3600 * SECOND)


def at(band, location="", station="ABC"):
    return Instrument("XX", station, location, band)


def served(stream, which="best"):
    """[(band and location, spans)], and the ledger."""
    left_out = LeftOut(*DAY)
    found = serve(group(stream, left_out), which, DAY, left_out)
    seconds = [(who.band + who.location, spans) for who, spans in found]
    return seconds, left_out


def test_groups():
    stream = record() + record(channels=("BH1", "BH2", "BHZ")) + record(channels=("HNZ",), location="10")
    stream += record(channels=("LHZ",), rate=1.0) + record(channels=("HDH",))
    left_out = LeftOut()
    groups = group(stream, left_out)
    assert len(groups) == 3 and set(groups[at("BH")]) == set("ENZ")
    assert sorted(row.reason for row in left_out) == [
        "1 Hz, outside 20 to 10000",
        "channel HDH, no component that is known",
    ]


def test_what_is_too_slow_for_the_filter():
    left_out = LeftOut()
    groups = group(record(channels=("BHE", "BHN", "BHZ"), rate=20.0) + record(channels=("EHZ",)), left_out, (10, 45))
    assert list(groups) == [at("EH")] and left_out.seconds == pytest.approx(30)
    assert {row.reason for row in left_out} == {"20 Hz, too slow for the filter"}
    ((piece,),) = groups[at("EH")].values()
    assert prepare(piece, (10, 45)).data.any()


def test_the_best_of_equals():
    stream = record(600) + record(600, ("BHE", "BHN", "BHZ")) + record(600, ("HNZ",), location="10")
    assert [who for who, _ in served(stream)[0]] == ["HH"]
    assert [who for who, _ in served(stream, "all")[0]] == ["BH", "HH", "HN10"]
    stream = record(600, ("HHZ",)) + record(600, ("BHE", "BHN", "BHZ"))
    assert [who for who, _ in served(stream)[0]] == ["BH"]  # three components come before a better band
    stream = record(600, ("BHZ",), location="10") + record(600, ("BHZ",))
    assert [who for who, _ in served(stream)[0]] == ["BH"]
    assert served(Stream())[0] == []


@pytest.mark.parametrize("better", [{"location": "00"}, {"channels": ("HHE", "HHN", "HHZ")}])
def test_five_minutes_of_a_better_instrument_hide_no_day(better):
    stream = record(4 * 3600, ("BHZ",), location="10") + record(300, start=START + 3600, **better)
    found, left_out = served(stream)
    assert [who for who, _ in found] == ["BH10"]
    assert left_out.seconds == pytest.approx(900) and {row.reason for row in left_out} == {ANOTHER_INSTRUMENT}


def test_what_the_better_one_leaves_the_next_one_has():
    """HH fails after two thirds of the time; both have their own stretch, and no more than a minute of context."""
    stream = record(6000) + record(9000, ("BHE", "BHN", "BHZ"))
    left_out = LeftOut(*DAY)
    groups = group(stream, left_out)
    (first, spans), (second, rest) = serve(groups, "best", DAY, left_out)
    assert (first.band, second.band) == ("HH", "BH")
    assert [(s - START.ns, e - START.ns) for s, e in spans] == [(0, 6000 * SECOND)]
    assert [(s - START.ns, e - START.ns) for s, e in rest] == [(6000 * SECOND, 9000 * SECOND)]
    (piece,) = groups[second]["Z"]
    assert piece.start - START.ns == 5940 * SECOND and left_out.seconds == pytest.approx(3 * 6000)


def test_a_dead_instrument_serves_nothing():
    stream = record(600)
    for one in stream:
        one.data[:] = 17
    assert [who for who, _ in served(stream + record(600, ("BHZ",)))[0]] == ["BH"]


@pytest.mark.parametrize("gap", [0, 1000])
def test_horizontals_that_were_renamed(gap):
    old = Stream([trace(1000, code) for code in ("HHE", "HHN", "HHZ")])
    new = Stream([trace(1000, code, start=START + 1000 + gap) for code in ("HH1", "HH2", "HHZ")])
    left_out = LeftOut()
    groups = group(new + old, left_out)
    ids = {component: [piece.id[-3:] for piece in held] for component, held in groups[at("HH")].items()}
    assert ids == {"E": ["HHE", "HH2"], "N": ["HHN", "HH1"], "Z": ["HHZ", "HHZ"]} and not left_out


def test_both_names_at_once():
    stream = record(1000) + Stream([trace(1000, code) for code in ("HH1", "HH2")])
    left_out = LeftOut()
    groups = group(stream, left_out)
    assert {piece.id[-1] for held in groups[at("HH")].values() for piece in held} == set("ENZ")
    assert left_out.seconds == pytest.approx(2000) and {row.reason for row in left_out} == {ANOTHER_CHANNEL}


def test_components_under_several_location_codes():
    stream = Stream([trace(600, code, location=place) for code, place in (("HHZ", "00"), ("HHN", "10"), ("HHE", "20"))])
    groups = group(stream, LeftOut())
    assert {who: set(held) for who, held in groups.items()} == {at("HH", "00"): set("ENZ")}
    stream += trace(600, "HHZ", location="10")
    assert len(group(stream, LeftOut())) == 2  # an instrument of its own


def test_lower_case_is_one_instrument():
    groups = group(record(60, ("hhe", "HHN", "hhz")), LeftOut())
    assert {who: set(held) for who, held in groups.items()} == {at("HH"): set("ENZ")}


def test_nothing_shorter_than_a_minute_changes_hands():
    first = [(0, 100 * SECOND), (130 * SECOND, 300 * SECOND)]
    second = [(0, 330 * SECOND), (900 * SECOND, 910 * SECOND)]
    shares = share_out([("a", first), ("b", second)])
    assert shares == {"a": [(0, 300 * SECOND)], "b": [(900 * SECOND, 910 * SECOND)]}
