"""Confusion counts and residuals: each rule by itself, empty cases, and batches against the whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minieqt.evaluation.metrics import Counts, Evaluation, PhaseScore, Residuals

NAN = math.nan


def score(pick, arrival, noise, tolerance=0.5):
    result = PhaseScore(tolerance)
    result.update(np.array(pick), np.array(arrival, float), np.array(noise, bool))
    return result


def counts(result):
    c = result.counts
    return c.true_positive, c.false_positive, c.false_negative, c.true_negative


@pytest.mark.parametrize(
    ("pick", "arrival", "noise", "expected"),
    [
        (500, 500, False, (1, 0, 0, 0)),
        (550, 500, False, (1, 0, 0, 0)),  # the tolerance is included, on either side
        (450, 500, False, (1, 0, 0, 0)),
        (551, 500, False, (0, 1, 1, 0)),  # a wrong pick is a false alarm and a miss
        (449, 500, False, (0, 1, 1, 0)),
        (-1, 500, False, (0, 0, 1, 0)),
        (-1, 20, False, (0, 0, 1, 0)),  # "no pick" is not a pick at sample -1
        (500, NAN, True, (0, 1, 0, 0)),
        (-1, NAN, True, (0, 0, 0, 1)),
        (500, NAN, False, (0, 0, 0, 0)),  # an earthquake that nobody picked says nothing
        (-1, NAN, False, (0, 0, 0, 0)),
    ],
)
def test_each_kind_of_window(pick, arrival, noise, expected):
    assert counts(score([pick], [arrival], [noise])) == expected


def test_a_tenth_of_a_second():
    assert counts(score([510, 511], [500, 500], [False, False], 0.1)) == (1, 1, 1, 0)


def test_precision_recall_f1():
    c = Counts(true_positive=6, false_positive=2, false_negative=4)
    assert c.precision == 6 / 8
    assert c.recall == 6 / 10
    assert c.f1 == pytest.approx(2 * (6 / 8) * (6 / 10) / (6 / 8 + 6 / 10))


def test_residuals_by_hand():
    result = score([510, 480, 700], [500, 500, 500], [False] * 3)  # +0.1 s, -0.2 s, and one out of reach
    r = result.residuals.report()
    assert r["mean_s"] == pytest.approx(-0.05)
    assert r["std_s"] == pytest.approx(0.15)
    assert r["mae_s"] == pytest.approx(0.15)
    assert r["mape"] == pytest.approx((0.1 / 5 + 0.2 / 5) / 2)


def test_nothing_counted_is_nan():
    report = Evaluation().report()
    for scores in (report["detection"], *report["P"].values(), *report["S"].values()):
        assert math.isnan(scores["precision"]) and math.isnan(scores["recall"]) and math.isnan(scores["f1"])
    assert all(math.isnan(report["P"]["within_0.5_s"][key]) for key in ("mean_s", "std_s", "mae_s", "mape"))


def test_only_wrong_picks_is_zero_not_nan():
    c = score([100], [500], [False]).counts
    assert (c.precision, c.recall, c.f1) == (0, 0, 0)


def test_noise_only_has_no_recall():
    c = score([100, -1], [NAN, NAN], [True, True]).counts
    assert c.precision == 0 and math.isnan(c.recall) and c.f1 == 0


def test_an_arrival_on_the_first_sample_keeps_mape_finite():
    assert score([1], [0], [False]).residuals.report()["mape"] == pytest.approx(1)


def test_equal_residuals_have_no_spread():
    r = Residuals()
    for _ in range(5):
        r.update(np.full(3, 0.13), np.full(3, 5.0))
    assert r.report()["std_s"] == pytest.approx(0, abs=1e-15)


@given(st.lists(st.tuples(st.floats(-0.5, 0.5), st.floats(0.1, 60)), min_size=1, max_size=60), st.data())
def test_residuals_in_batches_are_those_of_the_whole(pairs, data):
    residual, arrival = np.array(pairs).T
    cut = sorted(data.draw(st.lists(st.integers(0, len(pairs)), max_size=4)))
    r = Residuals()
    for r_part, a_part in zip(np.split(residual, cut), np.split(arrival, cut), strict=True):
        r.update(r_part, a_part)
    report = r.report()
    assert report["mean_s"] == pytest.approx(residual.mean(), abs=1e-12)
    assert report["std_s"] == pytest.approx(residual.std(), abs=1e-12)
    assert report["mae_s"] == pytest.approx(np.abs(residual).mean(), abs=1e-12)
    assert report["mape"] == pytest.approx((np.abs(residual) / arrival).mean(), abs=1e-12)


def bump(centre, height=0.9, T=6000):
    return height * np.exp(-((np.arange(T) - centre) ** 2) / 200)


def test_a_whole_batch():
    """Three earthquakes and two noise windows, with one of every mistake."""
    quiet = np.zeros(6000)
    box = np.where((np.arange(6000) >= 500) & (np.arange(6000) < 1500), 0.95, 0.0)
    detection = np.stack([box, quiet, box, quiet, box])
    p = np.stack([bump(505), quiet, bump(1000), quiet, bump(3000)])
    s = np.stack([bump(1000), bump(1004), bump(1000, 0.05), quiet, quiet])
    earthquake = np.array([True, True, True, False, False])
    p_sample = np.array([500, 500, 500, NAN, NAN])
    s_sample = np.array([1000, 1000, NAN, NAN, NAN])
    evaluation = Evaluation()
    evaluation.update((detection, p, s), earthquake, p_sample, s_sample)
    assert vars(evaluation.detection) == dict(
        true_positive=2, false_positive=1, false_negative=1, true_negative=1
    )
    assert counts(evaluation.phases["P"][0]) == (1, 2, 2, 1)
    assert counts(evaluation.phases["S"][0]) == (2, 0, 0, 2)
    report = evaluation.report()
    assert (report["windows"], report["earthquakes"]) == (5, 3)
    assert report["P"]["within_0.5_s"]["mean_s"] == pytest.approx(0.05)
    assert report["S"]["within_0.1_s"]["mae_s"] == pytest.approx(0.02)


def test_published_weights_on_real_windows(shared):
    """The released network's outputs on five STEAD windows: every arrival found."""
    golden = np.load(shared / "golden" / "stead5_conservative_out.npz")
    evaluation = Evaluation()
    evaluation.update(tuple(golden["o"].transpose(1, 0, 2)), np.ones(5, bool), golden["p"], golden["s"])
    report = evaluation.report()
    assert report["detection"]["recall"] == 1
    for phase in "PS":
        assert report[phase]["within_0.5_s"]["f1"] == 1
        assert report[phase]["within_0.5_s"]["mae_s"] < 0.2
