"""Matching: against every possible matching on small cases, and by hand where it is easily got wrong."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minieqt.evaluation.matching import match, match_groups

times = st.lists(st.integers(0, 40).map(lambda tenths: tenths / 10), max_size=5)


def best_by_trying(ours, theirs, tolerance):
    """(most pairs, least sum of |differences|) of every one-to-one matching."""
    best = (0, 0.0)
    short, long = (ours, theirs) if len(ours) <= len(theirs) else (theirs, ours)
    for order in permutations(range(len(long)), len(short)):
        differences = [abs(a - long[j]) for a, j in zip(short, order, strict=True)]
        good = [d for d in differences if d <= tolerance + 1e-9]
        if len(good) > best[0] or (len(good) == best[0] and sum(good) < best[1]):
            best = (len(good), sum(good))
    return best


@given(times, times, st.sampled_from([0.1, 0.5, 1.0]))
@settings(deadline=None, max_examples=150)
def test_no_matching_is_better(ours, theirs, tolerance):
    pairs = match(np.array(ours), np.array(theirs), tolerance)
    i, j = pairs.T
    assert len(set(i.tolist())) == len(i) and len(set(j.tolist())) == len(j)
    differences = np.abs(np.array(ours)[i] - np.array(theirs)[j])
    assert (differences <= tolerance + 1e-6).all()
    count, total = best_by_trying(ours, theirs, tolerance)
    assert len(pairs) == count and np.isclose(differences.sum(), total)


def test_the_nearest_is_not_always_the_partner():
    """Taking the nearest first would pair 1.0 with 1.1 and leave two alone; both can have a partner."""
    assert match(np.array([1.0, 0.6]), np.array([1.1, 0.7, 1.4]), 0.5).tolist() == [[0, 0], [1, 1]]
    assert match(np.array([1.0, 1.2]), np.array([1.1, 1.6]), 0.5).tolist() == [[0, 0], [1, 1]]
    assert match(np.array([0.4, 0.8]), np.array([0.5, 0.0]), 0.45).tolist() == [[0, 1], [1, 0]]


def test_ties_at_the_tolerance_are_in():
    assert match(np.array([100.0]), np.array([100.5]), 0.5).tolist() == [[0, 0]]
    assert match(np.array([1e6 + 0.3]), np.array([1e6 + 0.4]), 0.1).tolist() == [[0, 0]]  # 0.1 in no binary fraction
    assert match(np.array([100.0]), np.array([100.501]), 0.5).tolist() == []


def test_a_long_catalogue(rng):
    truth = np.sort(rng.uniform(0, 86400, 5000))
    ours = np.concatenate([truth[rng.random(5000) < 0.8] + rng.normal(0, 0.02), rng.uniform(0, 86400, 500)])
    pairs = match(ours, truth, 0.5)
    assert 4000 * 0.97 < len(pairs) < 4200


def test_groups_do_not_mix():
    ours, theirs = np.array([1.0, 1.0, 5.0]), np.array([1.0, 5.0])
    assert match_groups(ours, theirs, ["a", "b", "b"], ["b", "a"], 0.5).tolist() == [[1, 0]]
    assert match_groups(ours, theirs[:0], "abb", "", 0.5).shape == (0, 2)
