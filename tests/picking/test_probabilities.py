"""Windows cover everything, stack as they should, and do not depend on batches."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import START, small_model

from minieqt.data.normalise import normalise
from minieqt.errors import UserError
from minieqt.picking.probabilities import Settings, probabilities, window_starts
from minieqt.records.segment import Segment

MODEL = small_model()


def segment(length, start=START.ns, seed=0):
    rng = np.random.default_rng(seed)
    return Segment(start, 100.0, rng.standard_normal((3, length)).astype(np.float32))


@given(st.integers(1, 1000), st.integers(0, 10**10), st.integers(1, 256))
@settings(deadline=None)
def test_windows_cover_every_sample(length, start, step):
    starts = window_starts(segment(length, start), 256, step)
    assert starts[0] == 0 and starts[-1] == max(length - 256, 0) and starts == sorted(set(starts))
    assert all(0 < later - earlier <= step for earlier, later in pairwise(starts))


def test_windows_stand_on_a_grid_of_time():
    one, later = window_starts(segment(2000), 256, 128), window_starts(segment(1500, START.ns + 5 * 10**9), 256, 128)
    assert {start - 500 for start in one[1:-1] if start > 500} == set(later[1:-1])


def test_one_window_is_the_network_itself():
    one = segment(256)
    (found,) = probabilities([one], MODEL, Settings())
    expected = np.concatenate(MODEL.forward(normalise(one.x[None])))
    assert np.array_equal(found.mean, expected) and found.spread is None


@pytest.mark.parametrize("stack", ["max", "mean"])
@pytest.mark.parametrize("blind", [0, 20])
def test_stacking_against_a_plain_loop(stack, blind):
    one = segment(1000)
    (found,) = probabilities([one], MODEL, Settings(stack=stack, blind=blind, batch_size=3))
    held = [[] for _ in range(1000)]
    for start in window_starts(one, 256, 128):
        answer = np.concatenate(MODEL.forward(normalise(one.x[None, :, start : start + 256])))
        for t in range(start, start + 256):
            seen = (t - start >= blind or start == 0) and (start + 256 - t > blind or start + 256 == 1000)
            if seen:
                held[t].append(answer[:, t - start])
    expected = np.array([getattr(np, stack)(answers, axis=0) for answers in held]).T
    np.testing.assert_allclose(found.mean, expected, atol=1e-5)


def test_short_segments_are_padded():
    (found,) = probabilities([segment(40)], MODEL, Settings())
    x = np.zeros((1, 3, 256), np.float32)
    x[0, :, :40] = segment(40).x - segment(40).x.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found.mean, np.concatenate(MODEL.forward(normalise(x)))[:, :40], atol=1e-5)


@pytest.mark.parametrize("samples", [0, 3])
def test_batches_change_nothing(samples):
    held = [segment(1000), segment(10, seed=1), segment(300, seed=2)]
    one, many = (probabilities(held, MODEL, Settings(batch_size=size, samples=samples)) for size in (1, 64))
    for a, b in zip(one, many, strict=True):
        np.testing.assert_allclose(a.mean, b.mean, atol=1e-5)
        assert samples == 0 or np.allclose(a.spread, b.spread, atol=1e-5)


def test_monte_carlo():
    def run(seed, samples=8):
        return probabilities([segment(600)], MODEL, Settings(samples=samples, seed=seed))[0]

    first, again, other = run(1), run(1), run(2)
    assert np.array_equal(first.mean, again.mean) and np.array_equal(first.spread, again.spread)
    assert not np.array_equal(first.mean, other.mean) and first.spread.max() > 0
    assert (run(1, samples=1).spread < 1e-3).all()
    assert MODEL.randomness.step == 0 and MODEL.randomness.seed == MODEL.config["seed"]
    (plain,) = probabilities([segment(600)], MODEL, Settings())
    assert np.array_equal(plain.mean, probabilities([segment(600)], MODEL, Settings())[0].mean)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"overlap": 1.0}, "overlap"),
        ({"stack": "median"}, "max or mean"),
        ({"instruments": "some"}, "best or all"),
        ({"blind": -1}, "negative"),
        ({"batch_size": 0}, "at least one"),
        ({"band": (10, 1)}, "rising corners"),
        ({"p_threshold": 0.0}, "for p"),
        ({"detection_threshold": 1.5}, "for detection"),
    ],
)
def test_settings_that_make_no_sense(options, words):
    with pytest.raises(UserError, match=words):
        Settings(**options)


def test_blinded_gaps_are_refused():
    with pytest.raises(UserError, match="blind at most 64"):
        Settings(blind=65).step(256)
    assert Settings(blind=64).step(256) == 128
