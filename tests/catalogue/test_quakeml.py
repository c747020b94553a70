"""QuakeML of earthquakes, and what locators read."""

from __future__ import annotations

import dataclasses

import obspy
import pytest
from network import example
from obspy.io.quakeml.core import _validate

from minieqt.catalogue.earthquake import Amplitude
from minieqt.catalogue.quakeml import catalogue, write_for_location, write_quakeml
from minieqt.evaluation.pick_sets import read_picks


def test_quakeml_is_valid_and_says_everything(tmp_path, rng):
    each = example(rng)
    write_quakeml(catalogue([each], "5.9 and 3.4 km/s"), tmp_path / "a.xml")
    assert _validate(str(tmp_path / "a.xml"))
    (event,) = obspy.read_events(tmp_path / "a.xml")
    origin = event.preferred_origin()
    assert (origin.time.ns, origin.latitude, origin.longitude, origin.depth) == (each.time, 35.7, -117.5, 8000)
    assert origin.quality.used_phase_count == 8 and origin.quality.used_station_count == 4
    assert origin.quality.standard_error == pytest.approx(each.rms)
    assert len(origin.arrivals) == len(event.picks) == 8
    for arrival, at in zip(origin.arrivals, each.arrivals, strict=True):
        pick = arrival.pick_id.get_referred_object()
        assert abs(pick.time.ns - at.onset.time) <= 1000 and pick.phase_hint == arrival.phase == at.onset.phase
        assert pick.waveform_id.station_code == at.onset.station
        assert arrival.time_residual == pytest.approx(at.residual)
        assert arrival.distance * 111.19 == pytest.approx(at.distance, rel=1e-3)


def test_one_code_in_two_networks_is_two_stations(rng):
    each = example(rng)
    other = dataclasses.replace(each.arrivals[0], onset=dataclasses.replace(each.arrivals[0].onset, network="YY"))
    (event,) = catalogue([dataclasses.replace(each, arrivals=(*each.arrivals, other))])
    assert event.origins[0].quality.used_station_count == 5


def test_magnitudes_of_stations_and_their_median(tmp_path, rng):
    sizes = {"ST00": 1.25, "ST01": 2.0, "ST02": 1.5}
    measured = tuple(Amplitude("XX", name, "", "HH", 2.08, 30.0, size) for name, size in sizes.items())
    each = dataclasses.replace(example(rng), amplitudes=measured)
    write_quakeml(catalogue([each]), tmp_path / "a.xml")
    assert _validate(str(tmp_path / "a.xml"))
    (event,) = obspy.read_events(tmp_path / "a.xml")
    magnitude = event.preferred_magnitude()
    assert (magnitude.mag, magnitude.magnitude_type, magnitude.station_count) == (1.5, "ML", 3)
    assert magnitude.origin_id == event.preferred_origin().resource_id
    assert {at.waveform_id.station_code: at.mag for at in event.station_magnitudes} == sizes
    contributions = [each.station_magnitude_id for each in magnitude.station_magnitude_contributions]
    assert contributions == [at.resource_id for at in event.station_magnitudes]
    amplitude = event.station_magnitudes[0].amplitude_id.get_referred_object()
    assert amplitude.generic_amplitude == pytest.approx(1e-6)  # 2.08 mm, magnified 2080 times


def test_odd_codes_stay_valid(tmp_path, rng):
    each = example(rng)
    odd = [
        dataclasses.replace(at, onset=dataclasses.replace(at.onset, network="", station=f"Ä {n}%#ß_long"))
        for n, at in enumerate(each.arrivals)
    ]
    write_quakeml(catalogue([dataclasses.replace(each, arrivals=tuple(odd))], "a model.csv?"), tmp_path / "a.xml")
    assert _validate(str(tmp_path / "a.xml"))


def test_the_same_input_gives_the_same_file(tmp_path, rng):
    each = example(rng)
    for name in "ab":
        write_quakeml(catalogue([each]), tmp_path / name)
    a, b = ((tmp_path / name).read_text() for name in "ab")
    assert a == b


def test_compare_reads_it(tmp_path, rng):
    write_quakeml(catalogue([example(rng)]), tmp_path / "a.xml")
    found = read_picks(tmp_path / "a.xml")
    assert len(found) == 8 and len(found.origins) == 1


def test_nonlinloc_and_hypodd(tmp_path, rng):
    each = example(rng)
    other = dataclasses.replace(each, time=each.time + 10**9)
    events = catalogue([each, other])
    names = [event.resource_id.id for event in events]
    write_for_location(events, tmp_path / "obs", tmp_path / "pha")
    assert [event.resource_id.id for event in events] == names
    observed = (tmp_path / "obs").read_text().split("\n\n")
    assert [len([line for line in block.splitlines() if " GAU " in line]) for block in observed[:2]] == [8, 8]
    assert " 1.00e-01 " in observed[0]
    read = obspy.read_events(tmp_path / "pha", format="HYPODDPHA")
    assert len(read) == 2 and [len(event.picks) for event in read] == [8, 8]
    assert abs(read[0].origins[0].time.ns - each.time) < 10**7
    heads = [line for line in (tmp_path / "pha").read_text().splitlines() if line.startswith("#")]
    assert [line.split()[-1] for line in heads] == ["1", "2"]  # as in earthquakes.csv
