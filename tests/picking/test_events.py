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


def find(detections, p=(), s=(), T=3000, spread=None, channels=None, **how):
    detection = np.zeros(T, np.float32)
    for first, last in detections:
        detection[first:last] = 0.9
    x = np.random.default_rng(1).standard_normal((3, T)).astype(np.float32)
    named = channels or {"E": "HH1", "N": "HH2", "Z": "HHZ"}
    served = [Served(component, START.ns, START.ns + 10**12, code) for component, code in named.items()]
    segment = Segment(START.ns, 100.0, x, served)
    found = Probabilities(np.stack([detection, gaussian(T, *p), gaussian(T, *s)]), spread)
    return find_events(AT, segment, found, Settings(**how))


def events(*arguments, **options):
    return find(*arguments, **options)[0]


def samples(event):
    return tuple(None if pick is None else round((pick.time - START) * 100) for pick in (event.p, event.s))


def test_an_event():
    (event,) = events([(1000, 1500)], [(1000, 0.5)], [(1300, 0.6)])
    assert samples(event) == (1000, 1300)
    assert event.start == START + 10 and event.end == START + 15 and event.probability == pytest.approx(0.9)


@pytest.mark.parametrize("rule", ["minieqt", "eqtransformer", "seisbench"])
def test_the_other_picks(rule):
    """Those of no event, if they are wanted; SeisBench's rule has them anyway."""
    told = ([(1000, 1500)], [(500, 0.3), (1000, 0.5)], [(1300, 0.6), (2500, 0.2), (2700, 0.09)])
    (event,), others = find(*told, rule=rule, picks="all")
    assert samples(event) == (1000, 1300)
    assert [(pick.phase, round((pick.time - START) * 100)) for pick in others] == [("P", 500), ("S", 2500)]
    assert bool(find(*told, rule=rule)[1]) == (rule == "seisbench")


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
