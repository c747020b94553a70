"""Picks into earthquakes: pairs, phases alone, one earthquake that two events describe, and the records' networks."""

from __future__ import annotations

import pytest

from minieqt.errors import UserError
from minieqt.importing.catalogue import match_networks, pair_up, read_catalogue
from minieqt.tables.catalogue import Found
from minieqt.tables.picks import Onset

SECOND = 10**9
STATION = ("PB", "B204")


def onset(phase, seconds, event="", status="", network="PB", station="B204"):
    return Onset(network, station, phase, round(seconds * SECOND), event, status)


def seconds(catalogue, station=STATION):
    return [tuple(each and each.time / SECOND for each in (pair.p, pair.s)) for pair in catalogue.pairs[station]]


def test_an_analysts_table(shared):
    catalogue = pair_up(read_catalogue(shared / "data/PB.B204.csv"))
    pairs = catalogue.pairs[STATION]
    assert len(pairs) == 9 and not catalogue.found.skipped
    assert sum(pair.s is None for pair in pairs) == 1 and sum(pair.p is None for pair in pairs) == 1
    assert pairs[1].p.event == "uw61815151" and pairs[1].p.status == "manual"
    assert len(catalogue.onsets[STATION]) == 16


def test_unnamed_picks_are_paired_in_order_of_time():
    found = Found([onset(*each) for each in [("P", 0), ("S", 56), ("P", 100), ("P", 110), ("S", 115), ("S", 400)]])
    assert seconds(pair_up(found)) == [(0, None), (None, 56), (100, None), (110, 115), (None, 400)]


def test_a_named_s_that_comes_too_late_is_no_pair():
    found = Found([onset("P", 0, "a"), onset("S", 56, "a"), onset("P", 100, "b"), onset("S", 99, "b"), onset("P", 200)])
    assert seconds(pair_up(found)) == [(200, None)] and found.skipped == {"S not within 55 s after P": 4}


def test_two_events_of_one_earthquake_are_one():
    found = Found([onset("P", 0, "a"), onset("P", 0.4, "b", "manual"), onset("S", 5.1, "b"), onset("S", 5, "c")])
    catalogue = pair_up(found)
    assert seconds(catalogue) == [(0.4, 5.1)] and catalogue.onsets[STATION] == [0.4 * SECOND, 5.1 * SECOND]
    assert found.skipped == {"pick of another event with the same arrival": 2}
    assert len(catalogue.seen[STATION]) == 4


@pytest.mark.parametrize("network", ["PB", "", "NA", "NULL"])
def test_a_catalogue_without_networks_meets_the_records(network):
    found = Found([onset("P", 0, network=network), onset("P", 9, network=network, station="X")])
    found.leave_out(onset("P", 2, network=network), "rejected pick")
    matched = match_networks(found, {STATION: [], ("PB", "C"): []})
    assert [(each.network, each.station) for each in matched.onsets] == [STATION]
    assert (matched.unused[0][0].network, matched.unused[0][0].station) == STATION
    assert matched.skipped == {"rejected pick": 1, "pick at a station without records": 1}


def test_what_cannot_be_told_is_left_out():
    found = Found([onset("P", 0, network=""), onset("P", 0, network="PB")])
    matched = match_networks(found, [STATION, ("UW", "B204")])
    assert len(matched.onsets) == 1
    assert matched.skipped == {"pick of a station of several networks, and which of them is not said": 1}


def test_another_network_is_named():
    with pytest.raises(UserError, match=r"the catalogue has IR\.B204, the records PB\.B204: no pick"):
        match_networks(Found([onset("P", 0, network="IR")]), [STATION])


def test_a_catalogue_without_a_pick_that_can_be_used(tmp_path):
    (tmp_path / "a.csv").write_text("station,phase,time,status\nA,P,2022-02-06,rejected\n")
    with pytest.raises(UserError, match=r"no pick of P or S that can be used \(1 × rejected pick\)"):
        read_catalogue(tmp_path / "a.csv")
