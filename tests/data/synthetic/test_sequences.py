"""Earthquakes that come together."""

from datetime import datetime

import numpy as np

from minieqt.data.synthetic.region import KM_PER_DEGREE
from minieqt.data.synthetic.sequences import BATH, MAINSHOCK, C
from minieqt.data.synthetic.synthetic_network import START, Network, make_network

HOURS, COUNT = 10.0, 400


def seconds(time: datetime) -> float:
    return (time - START).total_seconds()


def of_sequences() -> Network:
    return make_network(seed=4, hours=HOURS, stations=3, events_per_hour=0.0, in_sequence=COUNT)


def test_a_mainshock_has_aftershocks_that_fade_and_are_smaller():
    events = of_sequences().events
    assert len(events) == 2 * COUNT + 1
    main = max(events, key=lambda event: event.magnitude)
    assert main.magnitude == MAINSHOCK
    since = np.array([seconds(event.time) - seconds(main.time) for event in events])
    near = np.array([np.hypot(*offset(event, main)) < 15 for event in events])
    after = since[near & (since > 0)]
    others = [event.magnitude for event, close in zip(events, near, strict=True) if close and event is not main]
    assert max(others) <= MAINSHOCK - BATH
    # Omori: as many from C (e - 1) to C (e^2 - 1) as before
    first, second = ((low < after) & (after < high) for low, high in ((0, C * 1.718), (C * 1.718, C * 6.389)))
    assert 0.6 < first.sum() / second.sum() < 1.6
    assert first.sum() > 40


def test_a_swarm_keeps_together_in_place_and_time():
    events = of_sequences().events
    late = np.array([(seconds(event.time), *offset(event, events[-1])) for event in events])
    begin = np.argmax(np.convolve(late[:, 0][200:] - late[:, 0][:-200], [-1], "valid"))  # the densest 200
    densest = late[begin : begin + 200]
    assert np.ptp(densest[:, 0]) < HOURS * 3600 / 8
    spread = np.abs(densest[:, 1:] - np.median(densest[:, 1:], axis=0))
    assert np.median(np.hypot(*spread.T)) < 8


def test_without_sequences_a_network_is_what_it_was():
    plain = make_network(5, 0.5, 3, 40)
    assert [event.name for event in plain.events] == [f"sy{n:08d}" for n in range(len(plain.events))]
    assert plain.events == make_network(5, 0.5, 3, 40, in_sequence=0).events
    assert len(make_network(5, 0.5, 3, 40, in_sequence=7).events) == len(plain.events) + 15


def offset(event, other) -> tuple[float, float]:
    """km north and east."""
    north = KM_PER_DEGREE * (event.latitude - other.latitude)
    east = KM_PER_DEGREE * (event.longitude - other.longitude) * np.cos(np.radians(other.latitude))
    return north, east
