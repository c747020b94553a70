"""Tables and figures of an association."""

from __future__ import annotations

import csv
import dataclasses
from collections import Counter

import numpy as np
import obspy
from network import example

from minieqt.catalogue.earthquake import Amplitude
from minieqt.catalogue.figures import epicentres
from minieqt.catalogue.input import Input
from minieqt.catalogue.output import draw_sections, write_results
from minieqt.catalogue.reference import match_events
from minieqt.catalogue.report import station_rows, summary
from minieqt.catalogue.velocity import homogeneous
from minieqt.evaluation.pick_sets import read_picks
from minieqt.tables.catalogue import Origin
from minieqt.tables.origins import read_origins


def given_of(each):
    return Input([at.onset for at in each.arrivals], [at.place for at in each.arrivals], {})


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_every_file_of_the_list(tmp_path, rng):
    each = example(rng)
    reference = [Origin(each.time + 10**9, 35.7, -117.5, 2.0), Origin(each.time + 60 * 10**9, 35.7, -117.5, 1.0)]
    matched = match_events([each], reference)
    write_results(tmp_path, given_of(each), [each], homogeneous(5.9, 3.4), matched)
    (row,) = rows(tmp_path / "earthquakes.csv")
    assert (row["picks"], row["p_picks"], row["s_picks"], row["stations"]) == ("8", "4", "4", "4")
    assert len(rows(tmp_path / "assignments.csv")) == 8
    assert [row["kind"] for row in rows(tmp_path / "reference.csv")] == ["found", "missed"]
    read = read_picks(tmp_path / "assignments.csv")
    assert len(read) == 8 and {pick.event for pick in read.picks} == {"1"}
    for name in ("earthquakes.xml", "stations.csv", "nonlinloc.obs", "hypodd.pha", "map.png"):
        assert (tmp_path / name).stat().st_size > 0
    text = summary(given_of(each).onsets, [each], matched)
    assert "1 found, 1 missed; 0 additional" in text and "8 of 8 picks" in text


def test_nothing_of_an_earlier_association_stays(tmp_path, rng):
    each = dataclasses.replace(example(rng), amplitudes=(Amplitude("XX", "ST00", "", "HH", 1.5, 30.0, 1.0),))
    matched = match_events([each], [Origin(each.time, 35.7, -117.5, 1.25)])
    write_results(tmp_path, given_of(each), [each], homogeneous(5.9, 3.4), matched)
    header = {"network": "XX", "station": "ST00", "channel": "HHZ", "sampling_rate": 100.0}
    header["starttime"] = obspy.UTCDateTime(ns=each.time)
    obspy.Trace(rng.normal(size=6000), header).write(str(tmp_path / "day.mseed"), format="MSEED")
    draw_sections(tmp_path / "sections", [each], [tmp_path / "day.mseed"])
    (tmp_path / "sections" / "own.png").touch()
    assert {path.name for path in tmp_path.rglob("*")} >= {"magnitudes.csv", "reference.csv"}
    assert len(list((tmp_path / "sections").iterdir())) == 2
    write_results(tmp_path, given_of(each), [example(rng)], homogeneous(5.9, 3.4), None)
    assert not {path.name for path in tmp_path.rglob("*")} & {"magnitudes.csv", "reference.csv"}
    assert [path.name for path in (tmp_path / "sections").iterdir()] == ["own.png"]


def test_a_map_on_both_sides_of_180_degrees(rng):
    each = dataclasses.replace(example(rng), longitude=179.9)
    matched = match_events([each], [Origin(0, 35.7, -179.9, 2.0)])
    top, *_ = epicentres([each], {"XX.A": (35.6, 179.8, 0.0), "XX.B": (35.8, -179.8, 0.0)}, matched).axes
    west, east = top.get_xlim()
    assert 179 < west < 179.8 and 180.2 < east < 181


def test_magnitudes_stand_in_the_tables_and_beside_the_references(tmp_path, rng):
    measured = tuple(Amplitude("XX", f"ST0{n}", "", "HH", 1.5, 30.0, size) for n, size in enumerate((1.0, 1.75)))
    each = dataclasses.replace(example(rng), amplitudes=measured)
    matched = match_events([each], [Origin(each.time, 35.7, -117.5, 1.25)])
    write_results(tmp_path, given_of(each), [each], homogeneous(5.9, 3.4), matched)
    (row,) = rows(tmp_path / "earthquakes.csv")
    assert (row["magnitude"], row["magnitude_stations"]) == ("1.38", "2")
    assert [row["magnitude"] for row in rows(tmp_path / "magnitudes.csv")] == ["1.00", "1.75"]
    (row,) = rows(tmp_path / "reference.csv")
    assert (row["magnitude"], row["reference_magnitude"]) == ("1.38", "1.25")
    assert "magnitudes of 1: median +0.12 of the reference's" in summary(given_of(each).onsets, [each], matched)
    (origin,) = read_origins(tmp_path / "earthquakes.csv", Counter())
    assert origin.magnitude == 1.38


def test_nothing_found_leaves_tables_with_headers(tmp_path, rng):
    each = example(rng)
    write_results(tmp_path, given_of(each), [], homogeneous(5.9, 3.4), None)
    assert rows(tmp_path / "earthquakes.csv") == []
    assert len(rows(tmp_path / "stations.csv")) == 4
    assert len(obspy.read_events(tmp_path / "earthquakes.xml")) == 0


def test_median_residuals_of_stations(rng):
    each = example(rng)
    (first, *_) = station_rows([at.onset for at in each.arrivals], [each])
    station = first[1]
    expected = {at.onset.phase: at.residual for at in each.arrivals if at.onset.station == station}
    assert first[2:4] == [2, 2]
    assert [float(first[4]), float(first[6])] == [round(expected["P"], 3), round(expected["S"], 3)]


def test_record_sections(tmp_path, rng):
    each = example(rng)
    start = obspy.UTCDateTime(ns=each.time) - 20
    for station in ("ST00", "ST01"):  # the others have no records
        for channel in ("HHZ", "HHN"):
            header = {"network": "XX", "station": station, "channel": channel, "sampling_rate": 100.0}
            trace = obspy.Trace(rng.normal(size=6000).astype(np.float32), header | {"starttime": start})
            trace.write(str(tmp_path / f"{trace.id}.mseed"), format="MSEED")
    assert draw_sections(tmp_path / "sections", [each], [tmp_path]) == 1
    assert [path.suffix for path in (tmp_path / "sections").iterdir()] == [".png"]
    assert draw_sections(tmp_path / "none", [], [tmp_path]) == 0
