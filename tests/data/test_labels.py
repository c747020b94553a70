"""Labels against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minieqt.data.labels import DETECTION, UNLABELLED, P, S, detection_end, make_labels
from minieqt.errors import UserError

whole_arrivals = st.tuples(st.integers(0, 5900), st.integers(1, 5999)).map(lambda ps: (ps[0], min(sum(ps), 5999)))


def test_detection_runs_from_p_to_two_fifths_beyond_s():
    labels = make_labels(700, 1200)
    assert labels.shape == (3, 6000) and labels.dtype == np.float32
    assert np.flatnonzero(labels[DETECTION]).tolist() == list(range(700, 1400))
    assert set(labels[DETECTION]) == {0, 1}


@settings(deadline=None)
@given(whole_arrivals)
def test_gaussian_is_the_formula_within_twenty_samples(arrivals):
    labels, t = make_labels(*arrivals), np.arange(6000)
    for row, arrival in zip((P, S), arrivals, strict=True):
        expected = np.exp(-((t - arrival) ** 2) / 200) * (abs(t - arrival) <= 20)
        np.testing.assert_allclose(labels[row], expected, atol=1e-7)


@pytest.mark.parametrize(
    "shape, expected",
    [("triangle", lambda d: np.maximum(1 - abs(d) / 20, 0)), ("box", lambda d: abs(d) <= 20)],
)
def test_the_published_alternatives(shape, expected):
    labels, t = make_labels(700.5, 1200, shape), np.arange(6000)
    np.testing.assert_allclose(labels[P], expected(t - 700.5), atol=1e-6)
    np.testing.assert_allclose(labels[S], expected(t - 1200), atol=1e-6)


@settings(deadline=None)
@given(st.floats(0, 5998), st.floats(0.5, 3000), st.sampled_from(["gaussian", "triangle", "box"]))
def test_labels_stay_in_0_to_1_and_peak_at_the_arrival(p, delay, shape):
    s = min(p + delay, 5999)
    labels = make_labels(p, s, shape)
    assert labels.min() >= 0 and labels.max() <= 1
    for row, arrival in ((P, p), (S, s)):
        peak = np.flatnonzero(labels[row] == labels[row].max())
        if shape != "box":
            assert abs(peak - arrival).max() <= 0.51
        assert abs(np.flatnonzero(labels[row]) - arrival).max() <= 20


def test_noise_has_no_labels():
    assert not make_labels(np.nan, np.nan).any()
    assert not make_labels(np.empty(0), np.empty(0)).any()


@settings(deadline=None)
@given(st.integers(0, 11996), st.integers(0, 12000), st.sampled_from(["gaussian", "triangle", "box"]))
def test_p_alone_leaves_s_and_detection_open_from_p_on(quarters, length, shape):
    p, end = quarters / 4, min(quarters + length, 24000) / 4
    labels, t = make_labels(p, np.nan, shape, unknown=(0, end)), np.arange(6000)
    np.testing.assert_array_equal(labels[P], make_labels(p, p + 3, shape)[P])
    for row in (S, DETECTION):
        np.testing.assert_array_equal(labels[row], np.where((t >= p) & (t < end), UNLABELLED, 0))


@settings(deadline=None)
@given(st.integers(0, 23996), st.integers(0, 12000), st.integers(0, 4000))
def test_s_alone_leaves_what_comes_before_it_open(quarters, length, start):
    s, end = quarters / 4, min(quarters + length, 24000) / 4
    labels, t = make_labels(np.nan, s, unknown=(start, end)), np.arange(6000)
    np.testing.assert_array_equal(labels[S], make_labels(s - 3, s)[S])
    np.testing.assert_array_equal(labels[P], np.where((t >= start) & (t < s), UNLABELLED, 0))
    np.testing.assert_array_equal(labels[DETECTION], np.where((t >= start) & (t < end), UNLABELLED, 0))


def test_an_unlabelled_sample_is_told_from_every_label():
    assert not 0 <= UNLABELLED <= 1


def test_what_lies_outside_is_cut_off():
    labels = make_labels(5, 5990)
    assert labels[P, :26].all() and not labels[P, 26:].any()
    assert labels[DETECTION, 5:].all() and not labels[DETECTION, :5].any()
    assert labels[S, 5970:].all()


def test_two_events_add_up_and_are_clipped():
    two = make_labels([700, 3000], [1200, 3500])
    np.testing.assert_array_equal(two, make_labels(700, 1200) + make_labels(3000, 3500))
    close = make_labels([700, 710], [1200, 1210])
    assert close.max() == 1
    expected = np.minimum(make_labels(700, 1200) + make_labels(710, 1210), 1)
    np.testing.assert_allclose(close, expected, atol=1e-6)


@settings(deadline=None)
@given(whole_arrivals)
def test_the_end_is_exact_where_it_is_whole(arrivals):
    p, s = arrivals
    assert detection_end(p, s) == s + (2 * (s - p)) / 5


def test_unknown_shape():
    with pytest.raises(UserError, match="gaussian, triangle, box"):
        make_labels(700, 1200, "circle")


def test_what_one_earthquake_says_stands_where_another_leaves_it_open():
    labels, t = make_labels([700, 3000], [np.nan, 3500], unknown=(0, 4000)), np.arange(6000)
    whole, open_ = make_labels(3000, 3500), (t >= 700) & (t < 4000)
    np.testing.assert_array_equal(labels[P], make_labels([700, 3000], [900, 3500])[P])
    for row in (DETECTION, S):
        np.testing.assert_array_equal(labels[row], np.where(open_ & (whole[row] == 0), UNLABELLED, whole[row]))
    np.testing.assert_array_equal(labels, make_labels([3000, 700], [3500, np.nan], unknown=(0, 4000)))
