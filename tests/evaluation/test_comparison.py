"""Comparisons: by hand, of the real picks of PB.B204's analysts, and where everything about a network is known."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from minieqt.data.synthetic.synthetic_network import make_network, write_network
from minieqt.evaluation.comparison import compare
from minieqt.evaluation.comparison_figures import station_map
from minieqt.evaluation.comparison_report import left_out, summary, write_comparison
from minieqt.evaluation.pick_sets import PickSet, read_picks
from minieqt.tables.catalogue import Origin
from minieqt.tables.picks import Onset

SECOND = 10**9


def picks(*rows, name="some"):
    """(station, phase, seconds, event) of network XX."""
    held = [Onset("XX", station, phase, round(t * SECOND), *event) for station, phase, t, *event in rows]
    return PickSet(name, held)


def counts(comparison, phase, stations="all stations"):
    (row,) = (r for r in comparison.counts() if (r["phase"], r["stations"]) == (phase, stations))
    return [row[name] for name in ("ours", "reference", "common", "missed", "additional")]


def by_hand():
    ours = picks(("A", "P", 10.0), ("A", "P", 10.3), ("A", "S", 15.0), ("B", "P", 30.0), ("C", "P", 1.0))
    reference = picks(
        ("A", "P", 10.1, "e1"), ("A", "S", 15.5, "e1"), ("B", "P", 30.6, "e2"), ("D", "S", 1.0, "e2"), name="analyst"
    )
    return compare(ours, reference)


def test_counts_by_hand():
    comparison = by_hand()
    assert counts(comparison, "P") == [4, 2, 1, 1, 3]
    assert counts(comparison, "S") == [1, 2, 1, 1, 0]  # 0.5 s, the tolerance itself
    assert counts(comparison, "P", "stations of both") == [3, 2, 1, 1, 2]
    assert comparison.used() == {"both": ["XX.A", "XX.B"], "ours": ["XX.C"], "reference": ["XX.D"]}
    assert comparison.residuals("P") == pytest.approx([-0.1]) and comparison.residuals("S") == pytest.approx([-0.5])
    events = comparison.events()
    assert (events["reference"], events["found"], events["missed"], events["ours"]) == (2, 1, 1, None)
    stations = {row["station"]: row for row in comparison.by_station()}
    assert (stations["XX.A"]["common"], stations["XX.A"]["additional"], stations["XX.D"]["missed"]) == (2, 1, 1)


def test_a_set_without_networks_is_matched_by_station():
    bare = PickSet("bare", [Onset("", "A", "P", 10 * SECOND)])
    assert len(compare(picks(("A", "P", 10.2)), bare).pairs) == 1


def test_networks_count_where_they_are_told():
    """One row without a network takes them from no other row."""
    ours = PickSet("ours", [Onset("PB", "A", phase, 0) for phase in "PS"])
    mixed = PickSet("mixed", [Onset("AA", "A", "P", 0), Onset("", "A", "S", 0)])
    comparison = compare(ours, mixed)
    assert counts(comparison, "P") == [1, 1, 0, 1, 1] and counts(comparison, "S") == [1, 1, 1, 0, 0]
    assert comparison.used() == {"both": ["PB.A"], "ours": [], "reference": ["AA.A"]}


def test_which_of_several_networks_is_not_guessed():
    comparison = compare(
        PickSet("bare", [Onset("", "A", "P", 0)]), PickSet("two", [Onset(n, "A", "P", 0) for n in "XY"])
    )
    assert counts(comparison, "P") == [0, 2, 0, 2, 0]
    assert left_out(comparison) == [
        "left out of ours: 1 × pick of a station of several networks, and which of them is not said"
    ]


def test_a_set_with_itself():
    one = picks(("A", "P", 1.0, "e"), ("B", "S", 2.0, "e"))
    comparison = compare(one, one)
    assert counts(comparison, "P") == [1, 1, 1, 0, 0] and comparison.errors("P")["mae_s"] == 0
    assert comparison.events()["additional"] == 0


@pytest.mark.parametrize(("ours", "theirs"), [((), ()), ((("A", "P", 1.0),), ()), ((), (("A", "S", 1.0),))])
def test_empty_sets_have_their_report(tmp_path, ours, theirs):
    comparison = compare(picks(*ours), picks(*theirs))
    assert comparison.events() is None and len(comparison.pairs) == 0
    write_comparison(tmp_path, comparison, {})
    assert "stations:" in summary(comparison)
    assert np.isnan(comparison.errors("P")["mean_s"])
    names = {path.name for path in tmp_path.iterdir()}
    assert "comparison.md" in names and "map.png" not in names


def test_the_files(tmp_path):
    write_comparison(tmp_path, by_hand(), {"XX.A": (46.0, 12.0), "XX.D": (46.5, 12.4)})
    with (tmp_path / "picks.csv").open() as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]
    assert sorted(kinds) == ["additional"] * 3 + ["common"] * 2 + ["missed"] * 2
    numbers = json.loads((tmp_path / "comparison.json").read_text())
    assert numbers["events"]["found"] == 1 and numbers["tolerance_s"] == 0.5
    assert {"map.png", "residuals.png", "cumulative.png", "stations.png"} <= {p.name for p in tmp_path.iterdir()}
    (tmp_path / "own.png").touch()
    write_comparison(tmp_path, by_hand(), {})  # no place is known any more
    names = {path.name for path in tmp_path.iterdir()}
    assert "map.png" not in names and {"stations.png", "own.png"} <= names


def test_a_map_on_both_sides_of_180_degrees():
    comparison = by_hand()
    comparison.reference.origins["e1"] = Origin(0, -17.0, -179.9, 2.0)
    (axes,) = station_map(comparison, {"XX.A": (-17.0, 179.8), "XX.D": (-17.2, -179.7)}).axes
    west, east = axes.get_xlim()
    assert 179 < west < 179.8 and 180.3 < east < 181


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """(the network, its folder): six stations and a quarter of an hour full of events."""
    made = make_network(seed=3, hours=0.25, stations=6, events_per_hour=240)
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, made)
    return made, folder


def test_analysts_against_the_truth(network):
    """Everything is known: which arrivals they left out, how far they erred, which events they did not work on."""
    made, folder = network
    comparison = compare(read_picks(folder / "analysts.xml"), read_picks(folder / "truth.csv"), tolerance=0.5)
    for phase in "PS":
        arrivals = [a for a in made.arrivals if a.phase == phase]
        worked = [a for a in arrivals if a.analyst is not None]
        assert len(worked) > 10
        assert counts(comparison, phase) == [len(worked), len(arrivals), len(worked), len(arrivals) - len(worked), 0]
        errors = np.array([a.analyst - a.time for a in worked])
        assert np.sort(comparison.residuals(phase)) == pytest.approx(np.sort(errors), abs=2e-6)
    events = comparison.events()
    assert events["reference"] == len({a.event.name for a in made.arrivals})
    assert events["found"] == events["ours"] == len({a.event.name for a in made.arrivals if a.analyst is not None})
    assert events["found"] < events["reference"]  # they missed small ones


def test_a_picker_that_sees_more_than_the_analysts(network):
    made, folder = network
    truth = read_picks(folder / "truth.csv")
    comparison = compare(truth, read_picks(folder / "analysts.xml"))
    left = sum(a.analyst is None for a in made.arrivals)
    assert sum(counts(comparison, phase)[4] for phase in "PS") == left  # additional, and all of them right
    assert sum(counts(comparison, phase)[3] for phase in "PS") == 0
    assert set(comparison.reference.origins) == set(comparison.reference.events())
