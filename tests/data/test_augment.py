"""What each part of a plan does to a window and its arrivals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from plans import earthquakes, plan_of, rates, rows, window_of

from minieqt.data.augment import (
    add_noise,
    add_other_event,
    add_real_noise,
    add_second_event,
    augment_window,
    cut_gap,
    demean,
    drop_channels,
    play,
    pre_emphasise,
    real_noise_gain,
    rotate,
    shift,
    spline,
)
from minieqt.data.augmentation import AUGMENTED, Augmentation
from minieqt.data.draw import Plan, noise_samples
from minieqt.data.labels import DETECTION, P, S, detection_end, make_labels
from minieqt.data.normalise import normalise


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
    y, same = augment_window(x, arrivals, Plan(real_noise=10 ** (-wanted / 20)), borrowed=noise)
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
    np.testing.assert_array_equal(augment_window(x, arrivals, plan, borrowed=noise)[0], normalise(demean(x)))
    louder = replace(plan, real_noise=1.0)
    assert not np.array_equal(augment_window(x, arrivals, louder, borrowed=noise)[0], normalise(demean(x)))
    assert real_noise_gain(x, 2000.0, np.zeros_like(noise), 1.0) == 0  # and dead noise is none


def test_real_noise_is_rotated_and_turned_over(rng):
    x, noise = rng.standard_normal((2, 3, 6000)).astype(np.float32)
    y = add_real_noise(x, noise, 2.0, 100, -1)
    np.testing.assert_allclose(y[:, :5900], x[:, :5900] - 2 * noise[:, 100:], atol=1e-6)
    np.testing.assert_allclose(y[:, 5900:], x[:, 5900:] - 2 * noise[:, :100], atol=1e-6)


def burst(rng, p, s, level=30.0):
    """Noise, and two bursts of half a second in it; the first component is dead."""
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    for arrival in (p, s):
        x[:, arrival : arrival + 50] *= level
    x[0] = 0
    return x


def test_another_event_is_added_between_the_least_and_the_most(rng):
    x, other, own = burst(rng, 1000, 1400), 77 * burst(rng, 2000, 2500), np.array([[1000.0, 1400.0]])
    plan = Plan(other_event=1.0, other_from=500, own_p=1000, own_s=1400, other_p=1500.5, other_s=2000)
    rolled = np.roll(demean(other), -500, axis=-1)

    def strength(of, start, end):
        return np.square(of[:, start:end]).mean(axis=-1).sum()

    for level, event, rest, arrivals in (
        (1.0, x, rolled, (1000, 1400)),  # as loud as may be: the window's own arrivals are just seen
        (1e-9, rolled, x, (1500, 2000)),  # as faint as can be: its own are
    ):
        both, moved = add_other_event(x, own, demean(other), replace(plan, other_event=level))
        np.testing.assert_array_equal(moved, [[1000, 1400], [1500.5, 2000]])
        assert not both[0].any()  # dead before, dead now
        added = both - x
        gain = added[1, 2000] / rolled[1, 2000]
        np.testing.assert_allclose(added[1:], gain * rolled[1:], atol=1e-4)
        power = gain**2 if level == 1.0 else 1 / gain**2
        seen = [strength(event, t, t + 100) / (power * strength(rest, t - 100, t + 100)) for t in arrivals]
        assert min(seen) == pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize(("q", "r"), [(1010, 1410), (600, 1390)])
def test_no_event_is_added_where_one_would_hide_the_other(rng, q, r):
    """At the same time, or with an S in the other's."""
    x, own = burst(rng, 1000, 1400), np.array([[1000.0, 1400.0]])
    plan = Plan(other_event=0.5, own_p=1000, own_s=1400, other_p=q, other_s=r)
    both, same = add_other_event(x, own, burst(rng, q, r), plan)
    assert both is x and same is own


def test_no_event_is_added_to_silence_nor_silence_to_an_event(rng):
    x, own = burst(rng, 1000, 1400), np.array([[1000.0, 1400.0]])
    plan = Plan(other_event=0.5, own_p=1000, own_s=1400, other_p=3000, other_s=3500)
    silent = burst(rng, 3000, 3500)
    silent[:, 900:1500] = 0  # nothing around the window's own arrivals
    hushed, away = x.copy(), burst(rng, 3000, 3500)
    hushed[:, 3400:3600] = away[:, 3400:3600] = 0  # nothing of either around the other's S
    for one, other in ((x, np.zeros_like(x)), (x, silent), (np.zeros_like(x), x), (hushed, away)):
        assert add_other_event(one, own, other, plan)[1] is own


def test_two_noise_windows_are_mixed_as_drawn(rng):
    x, noise = rng.standard_normal((2, 3, 6000)).astype(np.float32)
    gain = real_noise_gain(x, None, 7 * noise, 0.5)
    assert gain * 7 == pytest.approx(0.5, rel=0.05)


PLAYED = Augmentation(1, stretch=1, rotate=0.5, flip=0.5)


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
