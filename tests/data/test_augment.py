"""Augmentation: the plans that are drawn, and what each does to a window and its arrivals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minieqt.data.augment import (
    AUGMENTED,
    LEAST_QUIET,
    NOISE_MIX_DB,
    PLAIN,
    SNR_DB,
    SPEEDS,
    Augmentation,
    Draw,
    Plan,
    add_noise,
    add_real_noise,
    add_second_event,
    augment_window,
    cut_gap,
    demean,
    draw_plan,
    drop_channels,
    noise_samples,
    play,
    pre_emphasise,
    real_noise_gain,
    rotate,
    shift,
    spline,
    window_uniforms,
)
from minieqt.data.labels import DETECTION, P, S, detection_end, make_labels
from minieqt.data.normalise import normalise
from minieqt.errors import UserError

LOUD, QUIET = np.array([30.0, 31.0, 32.0]), np.array([30.0, 9.9, 32.0])
ALL = Augmentation(1, 1, 1, 1, 0.5, 1, 1, 0.97, 1)

# P, S and the coda's end, in quarters of a sample
earthquakes = st.tuples(st.integers(0, 10000), st.integers(40, 8000), st.integers(4, 6000)).map(
    lambda t: (t[0] / 4, (t[0] + t[1]) / 4, min(sum(t) / 4, 6000))
)
rows = st.integers(0, 2**32 - 1)
rates = st.builds(Augmentation, *[st.sampled_from([0, 0.5, 1])] * 7, st.sampled_from([0, 0.97]))


def plan_of(row, arrivals, augmentation=ALL, copy=AUGMENTED, snr_db=LOUD, epoch=0):
    u = window_uniforms(0, epoch, np.array([row]), copy)[0]
    return draw_plan(u, *arrivals, snr_db, augmentation, copy)


def plans(count, arrivals, copy=AUGMENTED, snr_db=LOUD, augmentation=None):
    uniforms = window_uniforms(5, 1, np.arange(count), copy)
    return [draw_plan(u, *arrivals, snr_db, augmentation or Augmentation(), copy) for u in uniforms]


def window_of(p, s):
    """Silence but for one sample at P and one at S, so that one sees where they go."""
    x = np.zeros((3, 6000), np.float32)
    x[:, int(p)] = 1000
    x[:, int(s)] = -2000
    return x, np.array([[p, s]])


def share(flags):
    return np.mean(list(flags))


# -- drawing -----------------------------------------------------------------------------------------------


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
    assert draw_plan(u, np.nan, np.nan, np.nan, LOUD, ALL, AUGMENTED) == Plan(
        keep=(True, False, False), gap=(3732, 4406), real_noise=0.45391483344504113, real_noise_start=5191
    )


# -- applying ----------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(earthquakes, rows, rates)
def test_labels_follow_arrivals(arrivals, row, augmentation):
    p, s, _ = arrivals
    assume(int(s) - int(p) >= 25)
    plan = replace(plan_of(row, arrivals, augmentation), noise=(0.0, 0.0, 0.0), second_divisor=3)
    x, moved = augment_window(*window_of(p, s), plan)
    labels = make_labels(moved[:, 0], moved[:, 1])
    live = x[np.array(plan.keep)]
    for number, (p_moved, s_moved) in enumerate(moved):
        assert live[:, int(p_moved)].min() > (10 if number == 0 else 3)
        assert live[:, int(s_moved)].max() < (-20 if number == 0 else -6)
        assert labels[P, round(p_moved)] > 0.99 and labels[S, round(s_moved)] > 0.99
        assert labels[DETECTION, int(np.ceil(p_moved)) : int(detection_end(p_moved, s_moved))].all()
    assert len(moved) == 1 + (plan.second_start > 0)


@settings(max_examples=50, deadline=None)
@given(earthquakes, rows, st.booleans())
def test_windows_come_out_normalised_and_dropped_channels_dead(arrivals, row, noise_window):
    x, moved = window_of(*arrivals[:2])
    x += np.random.default_rng(row).standard_normal((3, 6000)).astype(np.float32) + np.float32(50)
    if noise_window:
        arrivals, moved = (np.nan,) * 3, np.empty((0, 2))
    plan = plan_of(row, arrivals)
    y, moved = augment_window(x, moved, plan, noise_samples(0, 0, row, AUGMENTED))
    assert y.dtype == np.float32 and y.shape == (3, 6000)
    np.testing.assert_allclose(y.mean(axis=-1, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(axis=-1, dtype=np.float64), plan.keep, atol=1e-5)
    assert not y[~np.array(plan.keep)].any()


def test_nothing_planned_nothing_done(rng):
    x, arrivals = rng.standard_normal((3, 6000)).astype(np.float32), np.array([[700.0, 1200.0]])
    y, moved = augment_window(x, arrivals, Plan())
    np.testing.assert_allclose(y, normalise(x), atol=1e-6)
    np.testing.assert_array_equal(moved, arrivals)


def test_the_raw_window_is_left_as_it_was(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    before = x.copy()
    augment_window(x, np.array([[700.0, 1200.0]]), plan_of(3, (700.0, 1200.0, 1900.0)), noise_samples(0, 0, 3, 1))
    np.testing.assert_array_equal(x, before)


def test_shift():
    x = np.arange(18000, dtype=np.float32).reshape(3, 6000)
    y, arrivals = shift(x, np.array([[700.5, 1200.0]]), 100)
    np.testing.assert_array_equal(y[:, 100:], x[:, :-100])
    np.testing.assert_array_equal(y[:, :100], x[:, -100:])
    assert arrivals.tolist() == [[800.5, 1300.0]]


def test_second_event(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    y, arrivals = add_second_event(x, np.array([[700.25, 1200.0]]), 3000, 4)
    np.testing.assert_array_equal(y[:, :3000], x[:, :3000])
    np.testing.assert_allclose(y[:, 3000:] - x[:, 3000:], x[:, 700:3700] / 4, atol=1e-6)
    assert arrivals.tolist() == [[700.25, 1200.0], [3000.25, 3500.0]]


def test_noise_is_in_parts_of_each_components_maximum():
    x = np.zeros((3, 6000), np.float32)
    x[0, 0], x[1, 0] = 100, 10
    y = add_noise(x, (0.1, 0.05, 0.1), noise_samples(0, 0, 0, AUGMENTED))
    np.testing.assert_allclose((y - x).std(axis=-1), [10, 0.5, 0], rtol=0.05)


def test_noise_samples_are_standard_normal():
    z = np.stack([noise_samples(0, 0, row, AUGMENTED) for row in range(20)])
    assert z.dtype == np.float32 and z.shape == (20, 3, 6000) and np.isfinite(z).all()
    assert z.mean() == pytest.approx(0, abs=0.01) and z.std() == pytest.approx(1, abs=0.01)
    for level, expected in ((-1, 0.1587), (0, 0.5), (1, 0.8413), (2, 0.9772)):
        assert share((z < level).ravel()) == pytest.approx(expected, abs=0.003)
    flat = z.reshape(20, -1)
    assert abs(np.mean(flat[:, 1:] * flat[:, :-1])) < 0.01  # the two of a pair do not know each other
    assert not np.array_equal(noise_samples(0, 0, 1, PLAIN), z[1])


def event_in_noise(rng, snr_db, arrival=2000):
    """A window whose earthquake stands `snr_db` above its background, P = arrival; E is dead."""
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    x[:, arrival:] += 10 ** (snr_db / 20) * rng.standard_normal((3, 6000 - arrival)).astype(np.float32)
    x[0] = 0
    return 1000 * x, np.array([[arrival, arrival + 500.0]])


@pytest.mark.parametrize("alone", [None, 0, 1])
@pytest.mark.parametrize("wanted", [5, 15, 25])
def test_real_noise_sets_the_signal_to_noise_ratio(rng, wanted, alone):
    x, arrivals = event_in_noise(rng, 40, 2500)
    if alone is not None:
        arrivals[0, 1] = arrivals[0, 0]
        arrivals[0, alone] = np.nan
    noise = np.array([[3], [1], [0.1]], np.float32) * rng.standard_normal((3, 6000)).astype(np.float32)
    y, same = augment_window(x, arrivals, Plan(real_noise=10 ** (-wanted / 20)), real_noise=noise)
    np.testing.assert_array_equal(same, arrivals)
    before, event = (np.square(y[:, span]).mean(axis=-1) for span in (slice(0, 2400), slice(2500, 2700)))
    live = slice(1, 3)  # normalised: both components are put back into their proportion by what was recorded
    weight = np.square((x - x.mean(axis=-1, keepdims=True))[live, 2500:2700]).mean(axis=-1) / (event - before)[live]
    ratio = 10 * np.log10((weight * (event - before)[live]).sum() / (weight * before[live]).sum())
    assert ratio == pytest.approx(wanted, abs=1.0)
    assert not y[0].any()  # dead before, dead now
    assert before[1] * weight[0] > 20 * before[2] * weight[1]  # as strong on each component as it was recorded


def test_a_background_that_is_louder_already_stays(rng):
    x, arrivals = event_in_noise(rng, 6)
    plan = Plan(real_noise=10 ** (-20 / 20), real_noise_start=17)
    noise = rng.standard_normal((3, 6000)).astype(np.float32)
    np.testing.assert_array_equal(augment_window(x, arrivals, plan, real_noise=noise)[0], normalise(demean(x)))
    louder = replace(plan, real_noise=1.0)
    assert not np.array_equal(augment_window(x, arrivals, louder, real_noise=noise)[0], normalise(demean(x)))
    assert real_noise_gain(x, 2000.0, np.zeros_like(noise), 1.0) == 0  # and dead noise is none


def test_real_noise_is_rotated_and_turned_over(rng):
    x, noise = rng.standard_normal((2, 3, 6000)).astype(np.float32)
    y = add_real_noise(x, noise, 2.0, 100, -1)
    np.testing.assert_allclose(y[:, :5900], x[:, :5900] - 2 * noise[:, 100:], atol=1e-6)
    np.testing.assert_allclose(y[:, 5900:], x[:, 5900:] - 2 * noise[:, :100], atol=1e-6)


def test_two_noise_windows_are_mixed_as_drawn(rng):
    x, noise = rng.standard_normal((2, 3, 6000)).astype(np.float32)
    gain = real_noise_gain(x, None, 7 * noise, 0.5)
    assert gain * 7 == pytest.approx(0.5, rel=0.05)


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


@pytest.mark.parametrize("speed", [0.625, 1.25, 1.6875])
def test_a_played_wave_has_another_frequency(speed):
    t = np.arange(6000)
    x = np.stack([np.sin(2 * np.pi * f * t) for f in (0.01, 0.05, 0.1)]).astype(np.float32)
    y, arrivals = play(x, np.array([[700.0, np.nan]]), speed, 100, 2000)
    assert arrivals[0, 0] == 700 / speed and np.isnan(arrivals[0, 1])
    end = min(int(5990 / speed), 5990)
    for f, ours in zip((0.01, 0.05, 0.1), y, strict=True):
        lowered = np.cos(np.pi / 2 * f * speed) if speed > 1 else 1.0
        expected = lowered * np.sin(2 * np.pi * f * speed * t)
        np.testing.assert_allclose(ours[3:end], expected[3:end], atol=0.02)


def test_what_would_come_back_as_a_lower_frequency_is_lowered():
    x = np.sin(2 * np.pi * 0.45 * np.arange(6000)).astype(np.float32)[None]  # 45 Hz, played at 1.7 times the speed
    y, _ = play(x, np.empty((0, 2)), 1.7, 0, 3000)
    assert np.std(y[:, 10:3000]) < np.cos(np.pi / 2 * 0.45 * 1.7) * np.std(spline(x, 1.7 * np.arange(10, 3000)))


def test_missing_samples_are_quiet_ones_back_and_forth(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    y, _ = play(x, np.empty((0, 2)), 1.5, 3000, 3500)
    assert 4000 == int(5999 / 1.5) + 1
    np.testing.assert_array_equal(y[:, 4000:4500], y[:, 3000:3500][:, ::-1])
    np.testing.assert_array_equal(y[:, 4500:5000], y[:, 3000:3500])
    assert y.std(axis=-1).min() > 0.4


def test_the_second_event_of_a_played_window_is_where_its_label_is():
    x, arrivals = np.zeros((3, 6000), np.float32), np.array([[700.3, 1200.0]])
    x[:, 700:702], x[:, 1200] = 1000, -2000
    drawn = [
        plan_of(row, (*arrivals[0], 1900.0), replace(PLAYED, second_event=1, flip=0, noise=0, drop_channels=0))
        for row in range(60)
    ]
    drawn = [plan for plan in drawn if plan.speed != 1 and plan.second_start]
    assert len(drawn) > 10
    for plan in drawn:
        y, moved = augment_window(x, arrivals, replace(plan, angle=0.0))
        for p, s in moved:
            assert abs(int(y[2, round(p) - 20 : round(p) + 20].argmax()) - 20 - round(p) % 1) <= 2
            assert abs(int(y[2, round(s) - 20 : round(s) + 20].argmin()) - 20) <= 2


def test_rotated_components_keep_their_energy(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    y = rotate(x, np.pi / 2)
    np.testing.assert_allclose(y, [-x[1], x[0], x[2]], atol=1e-6)
    np.testing.assert_allclose(np.square(rotate(x, 1.0)[:2]).sum(axis=0), np.square(x[:2]).sum(axis=0), rtol=1e-4)
    x[1] = 0
    np.testing.assert_array_equal(rotate(x, 1.0), x)  # a dead component stays dead


def test_a_flipped_window_is_upside_down(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    once, turned = (augment_window(x, np.empty((0, 2)), Plan(flip=flip))[0] for flip in (1, -1))
    np.testing.assert_allclose(turned, -once, atol=1e-6)


def test_dropped_channels_are_zero_and_the_rest_is_scaled():
    x = np.ones((3, 6000), np.float32)
    y = drop_channels(x, (True, False, False))
    assert (y[0] == 3).all() and not y[1:].any()
    assert (drop_channels(x, (True, False, True))[[0, 2]] == 1.5).all()
    x[0] = 0  # a dead component counts as dropped, and is never all that stays
    assert (drop_channels(x, (True, True, False))[1] == 3).all()
    np.testing.assert_array_equal(drop_channels(x, (True, False, False)), x)


def test_pre_emphasis_and_gap(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    y = pre_emphasise(x, 0.97)
    np.testing.assert_allclose(y[:, 1:], x[:, 1:] - 0.97 * x[:, :-1], atol=1e-6)
    np.testing.assert_array_equal(y[:, 0], x[:, 0])
    z = cut_gap(x, 1000, 2000)
    assert not z[:, 1000:2000].any()
    np.testing.assert_array_equal(np.delete(z, np.s_[1000:2000], axis=1), np.delete(x, np.s_[1000:2000], axis=1))


def test_a_gap_in_a_trace_with_an_offset_is_no_step(rng):
    x = rng.standard_normal((3, 6000)).astype(np.float32) + 10000
    y, _ = augment_window(x, np.empty((0, 2)), Plan(gap=(1000, 3000)))
    assert abs(y).max() < 10


@pytest.mark.parametrize(
    "field",
    ["shift", "second_event", "noise", "drop_channels", "scale", "gap", "pre_emphasis", "stretch", "rotate", "flip"],
)
def test_probabilities_are_checked(field):
    for value in (-0.1, 1.1, np.nan):
        with pytest.raises(UserError, match=field):
            Augmentation(**{field: value})
