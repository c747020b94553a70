"""The plans that are drawn: rates, ranges, and what never happens to an earthquake."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plans import ALL, LOUD, MEETING, QUIET, earthquakes, plan_of, plans, rates, rows, share, window_of

from minieqt.data.augment import augment_window
from minieqt.data.augmentation import AUGMENTED, PLAIN, Augmentation
from minieqt.data.draw import (
    LEAST_QUIET,
    NOISE_MIX_DB,
    SNR_DB,
    SPEEDS,
    Draw,
    Plan,
    draw_plan,
    noise_samples,
    window_uniforms,
)
from minieqt.data.labels import make_labels


@settings(max_examples=300, deadline=None)
@given(earthquakes, rows, rates)
def test_no_event_is_wrapped_around_the_edge(arrivals, row, augmentation):
    coda_end = arrivals[2]
    for copy in (PLAIN, AUGMENTED):
        by = plan_of(row, arrivals, augmentation, copy).shift
        assert by >= 0 and coda_end + by <= 6000


@settings(max_examples=300, deadline=None)
@given(earthquakes, rows)
def test_a_second_event_follows_the_coda_and_its_s_fits(arrivals, row):
    p, s, coda_end = arrivals
    plan = plan_of(row, arrivals)
    assume(plan.second_start)
    assert plan.second_start >= coda_end + plan.shift
    _, moved = augment_window(*window_of(p, s), plan, np.zeros((3, 6000), np.float32))
    assert moved.shape == (2, 2)
    assert moved[1, 1] - moved[1, 0] == pytest.approx(s - p)
    assert moved[1, 1] + 20 <= 5999  # with its label
    assert 1 <= plan.second_divisor <= 9


@settings(max_examples=300, deadline=None)
@given(earthquakes, rows)
def test_a_gap_touches_no_earthquake(arrivals, row):
    p, s, coda_end = arrivals
    plan = plan_of(row, arrivals, replace(ALL, second_event=0.5))
    assume(any(plan.gap))
    start, end = plan.gap
    assert 0 <= start < 4000 and start < end < 5500
    events = [(p + plan.shift, s + plan.shift)]
    if plan.second_start:
        second_p = plan.second_start + p % 1
        events.append((second_p, second_p + s - p))
    for event in events:
        labels = make_labels(*event)
        assert not labels[:, start:end].any()
    assert end <= p + plan.shift or start >= coda_end + plan.shift


@settings(max_examples=300, deadline=None)
@given(earthquakes, earthquakes, rows)
def test_another_event_is_moved_where_its_labels_fit(own, other, row):
    """Neither its coda nor its P goes round the edge, and a gap touches neither earthquake."""
    plan, (q, r, coda_end) = plan_of(row, own, replace(MEETING, second_event=1), other=other), other
    assert plan.second_start == 0 and plan.real_noise == 0 and 0 < plan.other_event <= 1
    assert (plan.own_p, plan.own_s) == (own[0] + plan.shift, own[1] + plan.shift)
    by = plan.other_p - q
    assert plan.other_s - r == pytest.approx(by) and -by % 6000 == plan.other_from
    assert coda_end + by <= 6000 and plan.other_p >= min(q, 20)
    start, end = plan.gap
    if end:
        for event in ((plan.own_p, plan.own_s), (plan.other_p, plan.other_s)):
            assert not make_labels(*event)[:, start:end].any()
        assert end <= plan.other_p or start >= coda_end + by


def test_an_event_meets_another_where_both_are_whole_and_loud():
    own, other = (700.0, 1200.0, 1900.0), (500.0, 800.0, 3000.0)
    met = [plan_of(row, own, replace(MEETING, other_event=0.4, real_noise=0.3), other=other) for row in range(2000)]
    assert share(plan.other_event > 0 for plan in met) == pytest.approx(0.4, abs=0.03)
    assert share(plan.real_noise > 0 for plan in met) == pytest.approx(0.3, abs=0.03)
    assert not any(plan.other_event and plan.real_noise for plan in met)
    places = [plan.other_p for plan in met if plan.other_event]
    assert min(places) < 60 and max(places) > 3440
    half = (own[0], np.nan, own[2])
    for arrivals, snr_db, partner in ((half, LOUD, other), (own, QUIET, other), (own, LOUD, half), (own, LOUD, None)):
        assert plan_of(1, arrivals, MEETING, snr_db=snr_db, other=partner).other_event == 0
    assert plan_of(1, own, MEETING, PLAIN, other=other).other_event == 0


def test_published_rates_of_earthquakes():
    drawn = plans(4000, (700.0, 1200.0, 1900.0))
    assert share(plan.shift > 0 for plan in drawn) == pytest.approx(0.99, abs=0.01)
    assert share(plan.second_start > 0 for plan in drawn if plan.shift < 3000) == pytest.approx(0.6, abs=0.03)
    assert share(any(plan.noise) for plan in drawn) == pytest.approx(0.3, abs=0.03)
    assert share(not all(plan.keep) for plan in drawn) == pytest.approx(0.5 * 6 / 7, abs=0.03)
    assert {plan.scale for plan in drawn} == {1.0} and {plan.gap for plan in drawn} == {(0, 0)}
    assert {plan.pre_emphasis for plan in drawn} == {0.0}


def test_amounts_fill_their_ranges():
    drawn = plans(4000, (700.0, 1200.0, 1900.0))
    shifts = [plan.shift for plan in drawn if plan.shift]
    assert 1 <= min(shifts) < 10 and 4090 < max(shifts) <= 4100
    assert np.mean(shifts) == pytest.approx(2050, rel=0.03)
    assert {plan.second_divisor for plan in drawn} == set(range(1, 10))
    noise = np.array([plan.noise for plan in drawn if any(plan.noise)])
    assert 0.01 <= noise.min() < 0.012 and 0.148 < noise.max() <= 0.15
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.1  # each component its own
    kept = [plan.keep for plan in drawn if not all(plan.keep)]
    assert len(set(kept)) == 6 and (False, False, False) not in kept
    factors = np.array([plan.scale for plan in plans(2000, (700.0, 1200.0, 1900.0), augmentation=ALL)])
    assert 1 / 3 <= factors.min() < 0.35 and 2.9 < factors.max() <= 3
    assert share(factors > 1) == pytest.approx(0.5, abs=0.05)


def test_published_rates_of_noise():
    drawn = plans(4000, (np.nan,) * 3, snr_db=np.full(3, np.nan))
    assert {plan.shift for plan in drawn} == {plan.second_start for plan in drawn} == {0}
    assert share(not all(plan.keep) for plan in drawn) == pytest.approx(0.5 * 6 / 7, abs=0.03)
    assert share(any(plan.gap) for plan in drawn) == pytest.approx(0.2, abs=0.03)
    assert not any(any(plan.noise) for plan in drawn)
    starts, ends = np.array([plan.gap for plan in drawn if any(plan.gap)]).T
    assert (starts < 4000).all() and (starts < ends).all() and (ends < 5500).all()


def test_the_plain_copy_is_at_most_shifted():
    drawn = plans(4000, (700.0, 1200.0, 1900.0), copy=PLAIN, augmentation=replace(ALL, shift=0.99))
    assert all(plan == Plan(shift=plan.shift) for plan in drawn)
    assert share(plan.shift > 0 for plan in drawn) == pytest.approx(0.495, abs=0.03)
    assert set(plans(100, (np.nan,) * 3, copy=PLAIN, augmentation=ALL)) == {Plan()}


@pytest.mark.parametrize("snr_db", [QUIET, np.full(3, np.nan)])
def test_faint_earthquakes_are_only_shifted(snr_db):
    drawn = plans(200, (700.0, 1200.0, 1900.0), snr_db=snr_db, augmentation=Augmentation(1, 1, 1, 1))
    for plan in drawn:
        assert plan.shift and not plan.second_start and not any(plan.noise) and all(plan.keep)


def test_no_room_no_shift():
    assert {plan.shift for plan in plans(50, (700.0, 4000.0, 6000.0))} == {0}
    assert {plan.shift for plan in plans(50, (700.0, 4000.0, 5998.2), augmentation=ALL)} == {1}


def test_a_plan_depends_on_seed_epoch_row_and_copy_only():
    one = window_uniforms(1, 2, np.array([3, 4, 5]), AUGMENTED)
    np.testing.assert_array_equal(one[1], window_uniforms(1, 2, np.array([4]), AUGMENTED)[0])
    others = [(0, 2, 4, AUGMENTED), (1, 3, 4, AUGMENTED), (1, 2, 5, AUGMENTED), (1, 2, 4, PLAIN)]
    for seed, epoch, row, copy in others:
        assert not np.array_equal(one[1], window_uniforms(seed, epoch, np.array([row]), copy)[0])
    assert one.shape == (3, len(Draw))


def test_the_plans_of_today():
    """Decisions are a promise to whoever resumes a run and to every faster twin: they may not change unnoticed."""
    u = window_uniforms(0, 0, np.array([7]), AUGMENTED)[0]
    assert draw_plan(u, 700.0, 1200.0, 1900.0, LOUD, ALL, AUGMENTED) == Plan(
        shift=981,
        second_start=5390,
        second_from=700,
        second_divisor=3,
        noise=(0.04840556025505066, 0.06269564867019653, 0.12530914783477784),
        keep=(True, False, False),
        scale=2.130914568901062,
        pre_emphasis=0.97,
        gap=(3732, 4406),
        real_noise=0.05438279982249843,
        real_noise_start=5191,
        real_noise_sign=1,
    )
    met = draw_plan(u, 700.0, 1200.0, 1900.0, LOUD, MEETING, AUGMENTED, (500.0, 800.25, 3000.0))
    fields = "other_event", "other_from", "own_p", "own_s", "other_p", "other_s"
    assert [getattr(met, name) for name in fields] == [0.15697437524795532, 3469, 1681.0, 2181.0, 3031.0, 3331.25]
    assert draw_plan(u, np.nan, np.nan, np.nan, LOUD, ALL, AUGMENTED) == Plan(
        keep=(True, False, False), gap=(3732, 4406), real_noise=0.45391483344504113, real_noise_start=5191
    )


def test_noise_samples_are_standard_normal():
    z = np.stack([noise_samples(0, 0, row, AUGMENTED) for row in range(20)])
    assert z.dtype == np.float32 and z.shape == (20, 3, 6000) and np.isfinite(z).all()
    assert z.mean() == pytest.approx(0, abs=0.01) and z.std() == pytest.approx(1, abs=0.01)
    for level, expected in ((-1, 0.1587), (0, 0.5), (1, 0.8413), (2, 0.9772)):
        assert share((z < level).ravel()) == pytest.approx(expected, abs=0.003)
    flat = z.reshape(20, -1)
    assert abs(np.mean(flat[:, 1:] * flat[:, :-1])) < 0.01  # the two of a pair do not know each other
    assert not np.array_equal(noise_samples(0, 0, 1, PLAIN), z[1])


def test_real_noise_is_drawn_evenly_in_decibels():
    for arrivals, (low, high) in (((700.0, np.nan, 6000.0), SNR_DB), ((np.nan,) * 3, NOISE_MIX_DB)):
        drawn = plans(4000, arrivals, augmentation=Augmentation(real_noise=0.5), snr_db=np.full(3, np.nan))
        level = np.array([-20 * np.log10(plan.real_noise) for plan in drawn if plan.real_noise])
        assert len(level) / 4000 == pytest.approx(0.5, abs=0.03)
        assert low <= level.min() < low + 0.2 and high - 0.2 < level.max() <= high
        assert np.mean(level) == pytest.approx((low + high) / 2, abs=0.5)
        starts = [plan.real_noise_start for plan in drawn if plan.real_noise]
        assert 0 <= min(starts) < 20 and 5980 < max(starts) < 6000
        assert share(plan.real_noise_sign > 0 for plan in drawn if plan.real_noise) == pytest.approx(0.5, abs=0.03)


def test_a_row_with_one_phase_is_an_earthquake():
    """It is shifted as one, and gets no gap of noise windows' kind, nor a second event."""
    for arrivals in ((700.0, np.nan, 1900.0), (np.nan, 1200.0, 1900.0)):
        for plan in plans(50, arrivals, augmentation=Augmentation(1, 1, 1, 1, gap=1)):
            assert plan.shift and not plan.second_start and plan.gap == (0, 0)
        assert all(plan.shift for plan in plans(50, arrivals, PLAIN, augmentation=ALL) if plan.shift)


PLAYED = Augmentation(1, stretch=1, rotate=0.5, flip=0.5)


@settings(max_examples=300, deadline=None)
@given(earthquakes, rows, st.sampled_from(["both", "p", "s", "noise"]))
def test_a_window_is_played_only_where_it_stays_whole(arrivals, row, known):
    p, s, coda_end = arrivals
    p, s = p if known in ("both", "p") else np.nan, s if known in ("both", "s") else np.nan
    plan = plan_of(row, (p, s, coda_end if known != "noise" else np.nan), PLAYED)
    assert SPEEDS[0] - 1 / 1024 <= plan.speed <= SPEEDS[1] + 1 / 1024 and (1024 * plan.speed).is_integer()
    start, end = plan.quiet
    assert (plan.speed > 1) == (end > start) and (end - start >= LEAST_QUIET or plan.speed <= 1)
    if known == "noise" or plan.speed == 1:
        return
    assert np.ceil(coda_end / plan.speed) + plan.shift <= 6000
    first, after = (p / plan.speed - 20 if known != "s" else 0), coda_end / plan.speed
    assert end <= first or start >= after or plan.speed < 1
    assert end <= 5999 / plan.speed + 1


def test_speed_angle_and_polarity_fill_their_ranges():
    for arrivals in ((700.0, 1200.0, 1900.0), (np.nan,) * 3):
        drawn = plans(4000, arrivals, augmentation=replace(PLAYED, stretch=0.5))
        speeds = np.array([plan.speed for plan in drawn if plan.speed != 1])
        assert len(speeds) / 4000 == pytest.approx(0.5, abs=0.03)
        assert speeds.min() < 0.61 and 1.69 < speeds.max()
        assert np.log(speeds).mean() == pytest.approx(np.log(SPEEDS).mean(), abs=0.03)
        angles = np.array([plan.angle for plan in drawn if plan.angle])
        assert len(angles) / 4000 == pytest.approx(0.5, abs=0.03)
        assert abs(np.exp(1j * angles).mean()) < 0.05
        assert share(plan.flip < 0 for plan in drawn) == pytest.approx(0.5, abs=0.03)
