"""Answers say at every threshold what the probabilities would have said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minieqt.evaluation.answers import NEVER, answer, concatenate, sustained_height
from minieqt.inference.peaks import detection_runs, highest_peaks

curves = arrays(np.float32, (3, 40), elements=st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0]))


@given(curves, st.sampled_from([0.05, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0]))
@settings(deadline=None)
def test_as_if_thresholds_had_been_there_first(probability, threshold):
    threshold = float(np.float32(threshold))
    found = answer([probability] * 3)
    runs = [len(detection_runs(row, threshold)) > 0 for row in probability]
    assert found.detected(threshold).tolist() == runs
    for phase in "PS":
        assert found.picks(phase, threshold).tolist() == highest_peaks(probability, threshold).tolist()


def test_sustained_height_by_hand():
    detection = np.zeros((4, 30))
    detection[0, 5:15] = 0.8  # ten samples
    detection[1, 5:14] = 0.8  # nine: not long enough
    detection[2, 5:20] = 0.8
    detection[2, 12] = 0.4  # broken in the middle: ten in a row hold 0.4 only
    detection[3, 5:20] = 0.8
    detection[3, 12] = np.nan
    assert sustained_height(detection).tolist() == [0.8, 0, 0.4, 0]


def test_nothing_there():
    flat = np.zeros((2, 30))
    found = answer([flat[:, :5], flat, flat])
    assert found.heights["detection"].tolist() == [NEVER] * 2  # shorter than a run
    assert found.samples["P"].tolist() == [-1, -1] and found.heights["P"].tolist() == [NEVER] * 2
    assert not found.detected(0.0).any() and found.picks("S", 0.0).tolist() == [-1, -1]


def test_of_no_windows():
    found = answer([np.zeros((0, 30))] * 3)
    assert len(found) == 0 and found.picks("P", 0.1).tolist() == []


def test_parts_and_the_whole(rng):
    probability = rng.random((7, 50))
    whole = answer([probability] * 3)
    again = concatenate([whole.take(np.arange(3)), whole.take(np.arange(3, 7))])
    for one, other in zip(whole.columns(), again.columns(), strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    with pytest.raises(KeyError):
        concatenate([whole, type(whole)(whole.heights, {})])
