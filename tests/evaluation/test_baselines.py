"""The classics find onsets that cannot be missed, say nothing about silence, and know dead components."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.evaluation.answers import NEVER
from minieqt.evaluation.baselines import GRIDS, choices, horizontal, pick, steepest, vertical

P, S = 2000, 3000


def earthquake(rng):
    """(3, 6000): noise of 1, P of 30 mostly on Z, S of 150 mostly on the horizontals, both fading."""
    t = np.arange(6000)
    x = rng.standard_normal((3, 6000))
    for onset, sizes in ((P, (6, 6, 30)), (S, (150, 100, 40))):
        fading = np.where(t >= onset, np.exp(-np.maximum(t - onset, 0) / 400), 0)
        x += np.array(sizes)[:, None] * fading * rng.standard_normal((3, 6000))
    return x.astype(np.float32)


@pytest.fixture(scope="module")
def windows():
    """Four earthquakes, then noise, then nothing at all."""
    rng = np.random.default_rng(5)
    return np.stack([earthquake(rng) for _ in range(4)] + [rng.standard_normal((3, 6000)), np.zeros((3, 6000))]).astype(
        np.float32
    )


@pytest.mark.parametrize("name", GRIDS)
def test_clear_onsets(name, windows):
    """Some choice of parameters picks all four earthquakes within 0.3 s, and none makes a pick in nothing."""
    best = dict.fromkeys(GRIDS[name][1], 0)
    before = windows.copy()
    for candidate in choices(name):
        found = candidate(windows)
        assert found.heights.keys() == set(candidate.outputs) and len(found) == 6
        for output, height in found.heights.items():
            assert height[5] == NEVER
            if output == "detection":
                best[output] = max(best[output], int(np.sum(height[:4] > 2 * height[4])))
            else:
                right = np.abs(found.samples[output][:4] - {"P": P, "S": S}[output]) <= 30
                best[output] = max(best[output], int(np.sum(right & (height[:4] > 3))))
    assert all(count >= (4 if output != "S" else 3) for output, count in best.items()), best
    assert np.array_equal(windows, before)


@pytest.mark.parametrize("name", GRIDS)
def test_windows_do_not_know_of_each_other(name, windows):
    candidate = next(choices(name))
    whole, last = candidate(windows[:3]), candidate(windows[2:3])
    for output, height in whole.heights.items():
        assert height[2] == last.heights[output][0]


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("live", [0, 2])
def test_one_live_component(name, live, windows):
    x = np.zeros_like(windows[:1])
    x[:, live] = windows[:1, live]
    found = next(choices(name))(x)
    assert all(len(height) == 1 and not np.isnan(height).any() for height in found.heights.values())


def test_contrast_by_hand():
    x = np.ones(600)
    x[300:] = 10
    assert pick(x, 300) == (300, pytest.approx(20))
    assert pick(x, 3)[1] == NEVER  # hardly anything before it
    assert pick(np.zeros(600), 300)[1] == NEVER


def test_components():
    x = np.zeros((3, 10))
    assert vertical(x) == 2
    x[0] = np.arange(10)
    assert vertical(x) == 0 and horizontal(x, 0) == 0
    x[1], x[2] = 2 * x[0], x[0]
    assert vertical(x) == 2 and horizontal(x, 3) == 1


def test_running_kurtosis_against_scipy(rng):
    """Where the gain of scipy's kurtosis over the same windows is largest."""
    from scipy.stats import kurtosis

    x = rng.standard_normal(1200)
    x[700:] *= 8
    n, ahead = 200, 10
    curve = np.array([kurtosis(x[k : k + n]) for k in range(1, len(x) - n + 1)])
    k = int((curve[ahead:] - curve[:-ahead]).argmax())
    expected = n + k + int(np.diff(curve[k : k + ahead + 1]).argmax())
    assert abs(steepest(x, 2.0, 0.1, 0) - expected) <= 1 and abs(expected - 700) <= 10
