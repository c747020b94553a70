"""Detections and picks from probabilities: by minieqt's rule, as published, and as SeisBench has it."""

from __future__ import annotations

import numpy as np
import obspy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obspy.signal.trigger import trigger_onset

from minieqt import annotate, load_weights, pick
from minieqt.errors import UserError
from minieqt.inference.peaks import detection_runs
from minieqt.picking.probabilities import Settings
from minieqt.picking.rules import candidates, join

BOTH = pytest.mark.parametrize("rule", ["minieqt", "eqtransformer"])


def gaussian(T, *peaks, width=10.0):
    """A curve with a Gaussian of each (sample, height)."""
    t = np.arange(T)
    return sum((h * np.exp(-((t - at) ** 2) / (2 * width**2)) for at, h in peaks), np.zeros(T)).astype(np.float32)


def steps(T, *pieces):
    """A curve with a value from each (first, last, value)."""
    curve = np.zeros(T, np.float32)
    for first, last, value in pieces:
        curve[first:last] = value
    return curve


def find(detection, p=(), s=(), T=3000, **how):
    """[(start, end, P, S)] of detection pieces and of peaks, at 100 Hz."""
    probability = np.stack([steps(T, *detection), gaussian(T, *p), gaussian(T, *s)])
    return [tuple(each) for each in candidates(probability, Settings(**how), 100.0)[0]]


@BOTH
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
        ([(1350, 0.5)], [(1300, 0.6)], (None, 1300)),  # S alone goes before a P behind it
        ([(1000, 0.09)], [(1300, 0.09)], (None, None)),  # below the thresholds
    ],
)
def test_what_belongs_to_a_detection(rule, p, s, expected):
    assert find([(1000, 1500, 0.9)], p, s, rule=rule) == [(1000, 1500, *expected)]


@BOTH
def test_short_runs_are_none(rule):
    found = find([(500, 509, 0.9), (1000, 1100, 0.9), (2000, 2400, 0.9)], [(1000, 0.5), (2010, 0.5)], rule=rule)
    assert found == [(1000, 1100, 1000, None), (2000, 2400, 2010, None)]


HOVERING = [(1000, 1100, 0.35), (1100, 1200, 0.2), (1200, 1300, 0.35), (1300, 1400, 0.1), (1400, 1500, 0.35)]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, [(1000, 1300), (1400, 1500)]),  # ends below 0.15
        ({"rule": "eqtransformer"}, [(1000, 1100), (1200, 1300), (1400, 1500)]),
        ({"rule": "seisbench"}, [(1000, 1300), (1400, 1500)]),
        ({"detection_end": 0.3}, [(1000, 1100), (1200, 1300), (1400, 1500)]),
        ({"detection_end": 0.05}, [(1000, 1500)]),
        ({"join": 1.01}, [(1000, 1500)]),
        ({"join": 1.0}, [(1000, 1300), (1400, 1500)]),
        ({"detection_threshold": 0.36}, []),
        ({"detection_threshold": 0.1}, [(1000, 1500)]),
    ],
)
def test_where_a_detection_ends(how, expected):
    assert [each[:2] for each in find(HOVERING, **how)] == expected


def test_a_detection_begins_at_its_threshold():
    assert find([(900, 1000, 0.2), (1000, 1100, 0.5), (1100, 1200, 0.2)])[0][:2] == (1000, 1200)


def test_a_swarm():
    """Two pairs in one detection are two events, cut at the second P; as published they are one of both."""
    told = ([(1000, 2400, 0.9)], [(1010, 0.5), (1500, 0.8)], [(1200, 0.6), (1800, 0.9)])
    assert find(*told) == [(1000, 1500, 1010, 1200), (1500, 2400, 1500, 1800)]
    assert find(*told, rule="eqtransformer") == [(1000, 2400, 1500, 1800)]
    # An S without a P before it, a P without an S behind it, and several of one phase make no pair of their own.
    told = ([(1000, 2400, 0.9)], [(1100, 0.5), (1200, 0.8), (2200, 0.9)], [(1050, 0.9), (1500, 0.6), (1600, 0.4)])
    assert find(*told) == [(1000, 2400, 1200, 1500)]


def test_no_pick_belongs_to_two_detections():
    told = ([(1000, 1100, 0.9), (1150, 1300, 0.9)], [(1060, 0.5)], [(1250, 0.5)])
    assert find(*told) == [(1000, 1100, 1060, None), (1150, 1300, None, 1250)]
    assert find(*told, rule="eqtransformer")[1] == (1150, 1300, 1060, 1250)


curves = st.lists(st.sampled_from([0.0, 0.1, 0.14, 0.15, 0.2, 0.3, 0.31, 0.9, 1.0]), min_size=3, max_size=120)
SEISBENCH = Settings(rule="seisbench", p_threshold=0.3)


@given(curves, curves)
def test_seisbenchs_rule_is_obspys_trigger(detection, p):
    T = min(len(detection), len(p))
    probability = np.array([detection[:T], p[:T], np.zeros(T)], np.float32)
    found, samples = candidates(probability, SEISBENCH, 100.0)
    assert [[start, end - 1] for start, end, *_ in found] == np.array(trigger_onset(probability[0], 0.3, 0.15)).tolist()
    triggers = trigger_onset(probability[1], 0.3, 0.15)
    assert samples["P"].tolist() == [on + int(probability[1][on : off + 1].argmax()) for on, off in triggers]
    assert samples["S"].tolist() == []


def test_seisbenchs_rule_is_seisbenchs(shared):
    """Four hours of a station whose detection hovers about the threshold, from the same probabilities."""
    seisbench = pytest.importorskip("seisbench.models")
    stream = obspy.read(shared / "data" / "PB.B204.mseed")
    model = load_weights(shared / "weights" / "seisbench_pnw.pt")
    probabilities = annotate(stream, model)
    for one in probabilities:
        one.stats.channel = f"EQTransformer_{one.stats.channel.replace('DET', 'Detection')}"
    thresholds = {"detection_threshold": 0.3, "P_threshold": 0.1, "S_threshold": 0.1}
    theirs = seisbench.EQTransformer(phases="PS").classify_aggregate(probabilities, thresholds)
    events, picks = pick(stream, model, rule="seisbench")
    last = probabilities[0].stats.endtime  # where ours ends, which elsewhere is the first sample that is no more of it
    ends = [event.end if event.end == last else event.end - 0.01 for event in events]
    assert [event.start for event in events] == [one.start_time for one in theirs.detections]
    assert ends == [one.end_time for one in theirs.detections] and len(events) > 10
    for phase in "PS":
        ours = [each.time for each in picks if each.phase == phase]
        assert ours == [each.peak_time for each in theirs.picks if each.phase == phase] != []


@given(curves)
def test_hysteresis_only_joins(detection):
    """Every run of the published rule lies in one of ours, and ours begins with one."""
    curve = np.array(detection, np.float32)
    ours, theirs = detection_runs(curve, 0.3, 1, 0.15), detection_runs(curve, 0.3, 1)
    places = np.searchsorted(ours[:, 0], theirs[:, 0], "right") - 1
    assert (places >= 0).all() and (theirs[:, 1] <= ours[places, 1]).all()
    assert set(ours[:, 0]) <= set(theirs[:, 0]) and set(places) == set(range(len(ours)))


def test_joining():
    runs = np.array([[0, 10], [15, 20], [30, 40], [41, 50]])
    assert join(runs, 0).tolist() == runs.tolist()
    assert join(runs, 6).tolist() == [[0, 20], [30, 50]]
    assert join(runs, 10.5).tolist() == [[0, 50]]
    assert join(runs[:0], 5).shape == (0, 2)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"rule": "phasenet"}, "rules are minieqt, eqtransformer, seisbench"),
        ({"picks": "some"}, "detections or all"),
        ({"detection_end": 0.4}, "ends at its threshold 0.3 or below"),
        ({"detection_end": 0.0}, "above 0"),
        ({"join": -1.0}, "0 s or more"),
        ({"join": float("nan")}, "0 s or more"),
        ({"rule": "seisbench", "detection_end": 0.1}, "the rule seisbench defines"),
        ({"rule": "eqtransformer", "join": 1.0}, "the rule eqtransformer defines"),
    ],
)
def test_settings_that_make_no_sense(how, words):
    with pytest.raises(UserError, match=words):
        Settings(**how)


def test_real_hours(shared):
    """One network's detection hovers for hours; that of two others hardly, and nothing of theirs is lost."""
    stream = obspy.read(shared / "data" / "PB.B204.mseed")
    counts = {}
    for name in ("eqt_conservative.npz", "seisbench_pnw.pt"):
        model = load_weights(shared / "weights" / name)
        counts[name] = [len(pick(stream, model, rule=rule)[0]) for rule in ("minieqt", "eqtransformer")]
    assert counts["eqt_conservative.npz"] == [1, 1]
    ours, published = counts["seisbench_pnw.pt"]
    assert 10 * ours < published
