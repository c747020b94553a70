"""Regions: what they hold, how far waves travel in them, and which earthquakes are seen."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.synthetic.region import (
    EVENT,
    Crust,
    as_seen,
    chance_of_a_pick,
    make_event,
    make_region,
    stream,
    travel_times,
)


@pytest.mark.parametrize("b_value", [1.0, 0.6])
def test_magnitudes_follow_gutenberg_and_richter(b_value):
    region = make_region(0, crust=Crust(b_value=b_value))
    magnitudes = np.array([make_event(stream(0, EVENT, i), i, region).magnitude for i in range(5000)])
    assert magnitudes.min() >= 0
    for level in (0.5, 1.0, 1.5):
        assert np.mean(magnitudes >= level) == pytest.approx(10 ** (-b_value * level), rel=0.2)


def test_regions_differ_and_come_back():
    regions = [make_region(1, number) for number in range(12)]
    extents = [region.crust.extent for region in regions]
    assert min(extents) < 0.3 and max(extents) > 1 and len(set(extents)) == 12
    make_region.cache_clear()
    again = make_region(1, 3)
    assert again.crust == regions[3].crust and again.stations == regions[3].stations
    np.testing.assert_array_equal(again.stations[2].noise, regions[3].stations[2].noise)


def test_some_stations_see_the_smallest_events():
    for number in range(10):
        region = make_region(4, number)
        events = [make_event(stream(4, EVENT, i), i, region) for i in range(40)]
        chances = [chance_of_a_pick(as_seen(event, region)[2], region.crust.picked_db).mean() for event in events]
        assert 0.05 < np.mean(chances) < 0.95


def test_travel_times(rng):
    """S takes longer as the crust's ratio has it; beyond the crossover distance P comes along the mantle."""
    crust = Crust(crossover_km=150.0)
    station = make_region(0).stations[0]
    near = travel_times(rng, crust, station, 40.0, 10.0)
    assert near.direct_p == near.direct_s == 0
    ratio = (near.s - 1.8 * station.delay_s) / (near.p - station.delay_s)
    assert ratio == pytest.approx(crust.ratio, rel=0.05)
    far = [travel_times(rng, crust, station, d, 10.0, expected_db=60.0) for d in (250.0, 300.0)]
    assert (far[1].p - far[0].p) == pytest.approx(50 / 8.05, rel=0.03)  # the mantle's speed
    assert far[1].direct_p > far[0].direct_p > 0
    unseen = travel_times(rng, crust, station, 300.0, 10.0, expected_db=20.0)
    assert unseen.direct_p == 0 and unseen.p == pytest.approx(far[1].p + far[1].direct_p)
