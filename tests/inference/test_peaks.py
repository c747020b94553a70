"""Peaks and runs: plain cases, ties, plateaus, edges, and agreement with plain loops and with SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minieqt.inference.peaks import detection_runs, highest_peak, highest_peaks, peaks

# Few distinct values, so that ties and plateaus are the rule.
coarse = st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.5, 1.0, float("nan")])
coarse = coarse.map(np.float32)
curves = hnp.arrays(np.float32, st.integers(1, 40), elements=coarse)
batches = hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 30)), elements=coarse)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        ([0, 0.2, 0.9, 0.3], (2, 0.9)),
        ([0, 0.1, 0.05], (1, 0.1)),  # reaching the threshold is enough
        ([0, 0.09, 0.05], None),
        ([0.8, 0.2, 0.3, 0.1], (2, 0.3)),  # what falls from the first sample on is no peak
        ([0.1, 0.3, 0.2, 0.8], (1, 0.3)),
        ([0, 0.7, 0, 0.7, 0], (1, 0.7)),  # a tie: the earlier
        ([0, 1, 1, 1, 0], (2, 1.0)),  # a plateau: its middle
        ([0, 1, 1, 0], (1, 1.0)),  # of two, the earlier
        ([0, 0.5, 0.5, 0.6, 0], (3, 0.6)),  # a step on the way up is no peak
        ([1, 1, 1, 0, 1], None),
        ([0, 0, 1, 1, 1], None),
        ([1, 1, 1], None),
        ([0, np.nan, 0.6, np.nan, 0.3, 0.4, 0.2], (5, 0.4)),
        ([np.nan, np.nan], None),
        ([0.5, 0.5], None),
        ([1], None),
        ([], None),
    ],
)
def test_highest_peak(probability, expected):
    assert highest_peak(np.array(probability, float), 0.1) == expected


def plain_peaks(probability, threshold):
    """The definition, as a loop: from every sample walk over its equals to either side."""
    found = []
    for t in range(1, len(probability) - 1):
        if not (probability[t] >= threshold and probability[t - 1] < probability[t]):
            continue
        end = t + 1
        while end < len(probability) and probability[end] == probability[t]:
            end += 1
        if end < len(probability) and probability[end] < probability[t]:
            found.append(((t + end - 1) // 2, probability[t]))
    return found


@given(curves)
def test_peaks_are_the_plain_loop(probability):
    threshold = np.float32(0.1)
    assert list(zip(*peaks(probability, threshold), strict=True)) == plain_peaks(probability, threshold)


@settings(deadline=None)  # the first example waits for SciPy to be imported
@given(curves.filter(lambda curve: not np.isnan(curve).any()))
def test_peaks_are_those_of_scipy(probability):
    signal = pytest.importorskip("scipy.signal")
    threshold = np.float32(0.1)
    assert peaks(probability, threshold)[0].tolist() == signal.find_peaks(probability, height=threshold)[0].tolist()


@given(batches)
def test_rows_of_a_batch_are_independent(probability):
    samples = highest_peaks(probability, 0.3)
    for row, sample in zip(probability, samples, strict=True):
        single = highest_peak(row, 0.3)
        assert sample == (-1 if single is None else single[0])


def plain_runs(detection, threshold, minimum_length):
    """The definition, as a loop."""
    runs, start = [], None
    for t, value in enumerate([*detection, -1.0]):
        if value >= threshold:
            start = t if start is None else start
        elif start is not None:
            if t - start >= minimum_length:
                runs.append([start, t])
            start = None
    return runs


@given(curves, st.integers(1, 6))
def test_detection_runs_are_the_plain_loop(detection, minimum_length):
    threshold = np.float32(0.3)
    found = detection_runs(detection, threshold, minimum_length)
    assert found.shape[1:] == (2,)
    assert found.tolist() == plain_runs(detection, threshold, minimum_length)


def test_a_run_of_ten_samples_is_long_enough_and_nine_are_not():
    detection = np.zeros(6000, np.float32)
    detection[100:110] = 0.3
    detection[200:209] = 1
    detection[5990:] = 0.9
    assert detection_runs(detection).tolist() == [[100, 110], [5990, 6000]]


def test_no_run():
    assert detection_runs(np.zeros(6000)).shape == (0, 2)
    assert detection_runs(np.zeros(0)).shape == (0, 2)
