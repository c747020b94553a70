"""The rules that turn probabilities into events."""

from __future__ import annotations

import numpy as np
import pytest
from records import START

from minieqt.picking.events import find_events, peak_width, signal_to_noise
from minieqt.picking.probabilities import Probabilities, Settings
from minieqt.records.channel import Instrument
from minieqt.records.segment import Segment, Served

AT = Instrument("XX", "ABC", "", "HH")


def gaussian(T, *peaks, width=10.0):
    """A curve with a Gaussian of each (sample, height)."""
    t = np.arange(T)
    return sum((h * np.exp(-((t - at) ** 2) / (2 * width**2)) for at, h in peaks), np.zeros(T)).astype(np.float32)


def events(detections, p=(), s=(), T=3000, spread=None, channels=None):
    detection = np.zeros(T, np.float32)
    for first, last in detections:
        detection[first:last] = 0.9
    x = np.random.default_rng(1).standard_normal((3, T)).astype(np.float32)
    named = channels or {"E": "HH1", "N": "HH2", "Z": "HHZ"}
    served = [Served(component, START.ns, START.ns + 10**12, code) for component, code in named.items()]
    segment = Segment(START.ns, 100.0, x, served)
    found = Probabilities(np.stack([detection, gaussian(T, *p), gaussian(T, *s)]), spread)
    return find_events(AT, segment, found, Settings())


def samples(event):
    return tuple(None if pick is None else round((pick.time - START) * 100) for pick in (event.p, event.s))


@pytest.mark.parametrize(
    ("p", "s", "expected"),
    [
        ([(1000, 0.5)], [(1300, 0.6)], (1000, 1300)),
        ([(905, 0.5)], [(1300, 0.6)], (905, 1300)),  # up to one second before the detection
        ([(895, 0.5)], [(1300, 0.6)], (None, 1300)),
        ([(1000, 0.5), (1200, 0.6)], [(1300, 0.6)], (1200, 1300)),  # the highest
        ([(1000, 0.6), (1295, 0.7)], [(1300, 0.6)], (1000, 1300)),  # not within 0.1 s of S
        ([(1000, 0.5), (1400, 0.6)], [(1300, 0.6)], (1000, 1300)),  # not after S
        ([(1400, 0.6)], [], (1400, None)),  # no S: up to the end
        ([(1000, 0.5)], [(990, 0.6)], (1000, None)),  # S is never before the detection
        ([], [(1200, 0.5), (1400, 0.8), (1600, 0.9)], (None, 1400)),  # S only inside
        ([(1000, 0.09)], [(1300, 0.09)], (None, None)),  # below the thresholds
    ],
)
def test_rules(p, s, expected):
    (event,) = events([(1000, 1500)], p, s)
    assert samples(event) == expected
    assert event.start == START + 10 and event.end == START + 15 and event.probability == pytest.approx(0.9)


def test_two_events_and_short_runs():
    found = events([(500, 509), (1000, 1100), (2000, 2400)], [(1000, 0.5), (2010, 0.5)], [(1050, 0.9), (2200, 0.3)])
    assert [samples(event) for event in found] == [(1000, 1050), (2010, 2200)]


def test_what_is_known_of_a_pick():
    (event,) = events([(1000, 1500)], [(1000, 0.8)], [(1300, 0.6)])
    assert event.p.channel == "HHZ" and event.s.channel == "HH2" and event.p.instrument == AT
    assert event.p.probability == pytest.approx(0.8) and event.p.uncertainty is None
    assert event.p.time_uncertainty == pytest.approx(0.1, abs=0.003)  # ten samples
    (event,) = events([(1000, 1500)], [(1000, 0.8)], spread=np.full((3, 3000), 0.25, np.float32))
    assert event.p.uncertainty == 0.25 and event.uncertainty == 0.25
    (event,) = events([(1000, 1500)], [(1000, 0.8)], channels={"E": "HHE"})
    assert event.p.channel == "HHE"


def test_ends_of_the_record():
    (event,) = events([(2900, 3000)], [(2950, 0.5)])
    assert samples(event) == (2950, None) and event.end == START + 29.99


def test_peak_width_is_linear_between_samples():
    assert peak_width(np.array([0, 0, 1, 0, 0], np.float32), 2) == pytest.approx(1)
    assert peak_width(np.array([0, 1, 2, 1, 0], np.float32), 2) == pytest.approx(2)


def test_signal_to_noise():
    x = np.ones((3, 1000), np.float32)
    x[:, 500:] = 10
    assert signal_to_noise(x, 500, 200) == pytest.approx(20)
    assert signal_to_noise(x, 0, 200) is None and signal_to_noise(np.zeros((3, 9)), 5, 2) is None
