"""The synthetic network: reproducible, continuous, with its arrivals where the truth says they are."""

from __future__ import annotations

import numpy as np
import obspy
import pytest

from minieqt.data.synthetic.region import Crust, make_region
from minieqt.data.synthetic.synthetic_network import (
    as_stream,
    continuous_background,
    make_network,
    record,
    write_network,
)
from minieqt.errors import UserError


@pytest.fixture(scope="module")
def network():
    return make_network(seed=5, hours=0.2, stations=5, events_per_hour=200)


def test_same_seed_same_network(network):
    again, other = (make_network(seed, 0.2, 5, 200) for seed in (5, 6))
    assert again.events == network.events != other.events
    assert [a.time for a in again.arrivals] == [a.time for a in network.arrivals]
    one, same = record(network, network.stations[1]), record(again, again.stations[1])
    assert np.array_equal(one, same) and one.shape == (3, 72000) and one.dtype == np.float32
    assert np.array_equal(one, np.rint(one))


def test_the_background_has_no_seams(rng):
    """Its power does not change where one minute fades into the next."""
    station = make_region(1, crust=Crust()).stations[0]
    x = np.stack([continuous_background(rng, station, 30000) for _ in range(60)])
    power = np.square(np.diff(x, axis=2)).mean(axis=(0, 1))  # of the high frequencies, which many draws average well
    seams = np.concatenate([power[at : at + 1000] for at in (4000, 9000, 14000, 19000, 24000)]).mean()
    middles = np.concatenate([power[at : at + 3000] for at in (500, 5500, 10500, 15500, 20500)]).mean()
    assert seams == pytest.approx(middles, rel=0.25)


def test_arrivals_are_where_the_truth_says(network):
    """After P of the clearest arrivals the ground moves several times as much as before, where no other earthquake
    came within the ten seconds before."""

    def alone(arrival):
        return not any(0 < arrival.time - wave.p < 10 for wave in network.waves[arrival.station.code])

    loud = sorted((a for a in network.arrivals if a.phase == "P" and alone(a)), key=lambda a: -a.expected_db)[:5]
    assert len(loud) == 5
    for arrival in loud:
        x = record(network, arrival.station)[2]
        sample = round(arrival.time * 100)
        before, after = np.diff(x[sample - 100 : sample]).std(), np.diff(x[sample : sample + 100]).std()
        assert after > 3 * before


def test_analysts(network):
    picked = [a for a in network.arrivals if a.analyst is not None]
    assert 0 < len(picked) < len(network.arrivals)
    assert max(abs(a.analyst - a.time) for a in picked) < 0.5
    for event in network.events:
        seen = {a.station.code for a in network.arrivals if a.event is event}
        worked = any(a.analyst is not None for a in network.arrivals if a.event is event)
        assert not (worked and len(seen) < 4)


def test_files(network, tmp_path):
    write_network(tmp_path, network)
    stream = obspy.read(str(tmp_path / "SY.S00.mseed"))
    expected = as_stream(network, network.stations[0])
    assert [t.id for t in stream] == [t.id for t in expected]
    assert all(np.array_equal(a.data, b.data) for a, b in zip(stream, expected, strict=True))
    inventory = obspy.read_inventory(str(tmp_path / "stations.xml"))
    assert len(inventory[0]) == 5
    lines = (tmp_path / "truth.csv").read_text().splitlines()
    assert len(lines) == 1 + len(network.arrivals)
    every = (tmp_path / "every.csv").read_text().splitlines()
    assert set(lines) < set(every) and len(every) <= 1 + 2 * 5 * len(network.events)


@pytest.mark.parametrize("options", [{"hours": 0}, {"hours": 1000}, {"stations": 0}, {"stations": 1000}])
def test_numbers_that_make_no_sense(options):
    with pytest.raises(UserError, match="stations and up to"):
        make_network(1, **options)


def test_a_quiet_network():
    assert make_network(1, 0.1, 2, 0).arrivals == []
