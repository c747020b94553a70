"""Windows of the synthetic STEAD: what is in them, and that their rows tell the truth."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from minieqt.data.synthetic import earthquake_windows, noise_windows
from minieqt.data.synthetic.windows import find_coda_end


@pytest.fixture(scope="module")
def catalogue():
    """300 earthquake windows and 100 noise windows: (rows, windows) of each."""
    earthquakes = list(islice(earthquake_windows(11), 300))
    noise = list(islice(noise_windows(11), 100))
    return tuple((tuple(row for row, _ in part), np.stack([x for _, x in part])) for part in (earthquakes, noise))


def test_several_stations_see_an_event(catalogue):
    (rows, _), _ = catalogue
    events = Counter(row["source_id"] for row in rows)
    assert len(events) > 20 and 3 <= max(events.values()) <= 6
    for event in events:
        same = [row for row in rows if row["source_id"] == event]
        assert len({row["receiver_code"] for row in same}) == len(same)
        assert len({(row["source_magnitude"], row["source_depth_km"]) for row in same}) == 1


def test_p_stands_anywhere_and_s_fits(catalogue):
    (rows, _), _ = catalogue
    p = np.array([row["p_arrival_sample"] for row in rows])
    s = np.array([row["s_arrival_sample"] for row in rows])
    coda = np.array([row["coda_end_sample"].item() for row in rows])
    whole = p % 100 == 0
    assert 0.2 < whole.mean() < 0.5 and set(p[whole]) >= {400, 500, 600, 700, 800, 900}  # others are whole by chance
    assert p[~whole].min() < 500 and p[~whole].max() > 3000
    assert (p < s).all() and (s < coda).all() and (coda < 6000).all()


def test_near_and_far():
    """S − P from half a second to half a minute."""
    seconds = [(r["s_arrival_sample"] - r["p_arrival_sample"]) / 100 for r, _ in islice(earthquake_windows(2), 1500)]
    assert min(seconds) < 0.8 and max(seconds) > 20
    assert 1.5 < np.median(seconds) < 8


def test_picks_are_easy_and_hard(catalogue):
    (rows, _), _ = catalogue
    snr = np.array([row["snr_db"] for row in rows])
    assert np.mean(snr.min(axis=1) < 10) > 0.2 and np.mean(snr.min(axis=1) > 20) > 0.2


def test_noise_is_not_told_apart_by_a_glance(catalogue):
    """Peak over deviation, the energy's share in the loudest tenth: many a noise window looks as eventful as an
    earthquake."""
    (_, earthquakes), (_, noise) = catalogue

    def eventful(windows):
        power = np.square(windows - windows.mean(axis=-1, keepdims=True)).sum(axis=1)
        power = np.sort(power.reshape(len(windows), 60, 100).sum(axis=2), axis=1)
        return power[:, -6:].sum(axis=1) / power.sum(axis=1)

    assert np.mean(eventful(noise) > np.median(eventful(earthquakes))) > 0.1
    assert np.mean(eventful(earthquakes) < np.median(eventful(noise))) > 0.02


def test_flaws_of_real_archives_are_there():
    windows = np.stack([x for _, x in islice(noise_windows(3), 400)])
    assert any((x[0] == x[1]).all() and x[0].any() for x in windows)  # one component three times
    assert any(not x[1].any() and x[0].any() for x in windows)  # a dead component
    assert any(not x[:, :1000].any() and x.any() for x in windows)  # a late start
    whole = [np.array_equal(x, np.rint(x)) for x in windows]
    assert 0.2 < np.mean(whole) < 0.8  # the digitiser's steps


def test_coda_end_is_where_the_motion_sinks_into_the_noise(rng):
    motion = rng.standard_normal((3, 6000)).astype(np.float32) * np.exp(-np.maximum(np.arange(6000) - 1200, 0) / 500)
    motion[:, :700] = 0
    loud, quiet = (find_coda_end(motion, scale * rng.standard_normal((3, 6000)), 700, 1200) for scale in (0.5, 0.1))
    assert loud == pytest.approx(1200 + 500 * np.log(2), abs=100)
    assert quiet == pytest.approx(1200 + 500 * np.log(10), abs=150)
    assert find_coda_end(motion, 100 * rng.standard_normal((3, 6000)), 700, 1200) > 1200
