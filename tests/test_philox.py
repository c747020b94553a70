"""Counter-based randomness: Random123's known answers, and what a draw depends on."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.philox import AUGMENT, DROPOUT, Randomness, philox, to_uniform, uniform

KNOWN = [  # counter, key, words: philox4x32-10 in Random123's kat_vectors
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize("counter, key, expected", KNOWN)
def test_known_answers(counter, key, expected):
    drawn = philox(np.array(words(counter), np.uint64), tuple(words(key)))
    assert drawn.dtype == np.uint32
    assert drawn.tolist() == words(expected)


def test_many_counters_at_once():
    counters = np.array([[words(counter) for counter, _, _ in KNOWN]] * 2, np.uint64)  # (2, 3, 4)
    drawn = philox(counters, (0, 0))
    assert drawn.shape == (2, 3, 4)
    for index in np.ndindex(2, 3):
        np.testing.assert_array_equal(drawn[index], philox(counters[index], (0, 0)))


def test_to_uniform():
    numbers = to_uniform(np.array([0, 255, 256, 2**31, 2**32 - 1], np.uint32))
    assert numbers.dtype == np.float32
    np.testing.assert_array_equal(numbers, [0, 0, 2.0**-24, 0.5, 1 - 2.0**-24])


def test_uniform_is_uniform():
    numbers = uniform((1, DROPOUT), np.arange(100), 10_000, 2, 3).astype("float64")
    assert numbers.min() >= 0 and numbers.max() < 1
    count = numbers.size
    assert abs(numbers.mean() - 0.5) < 5 / np.sqrt(12 * count)
    counts = np.histogram(numbers, 64, (0, 1))[0]
    chi_squared = ((counts - count / 64) ** 2 / (count / 64)).sum()
    assert 63 - 5 * np.sqrt(2 * 63) < chi_squared < 63 + 5 * np.sqrt(2 * 63)
    for shifted in (numbers[1:] * numbers[:-1], numbers[:, 1:] * numbers[:, :-1]):
        assert abs(shifted.mean() - 0.25) < 5 / np.sqrt(shifted.size)


def test_rows_do_not_depend_on_each_other():
    whole = uniform((1, DROPOUT), np.arange(10), 7, 2, 3)
    assert whole.shape == (10, 7)
    np.testing.assert_array_equal(uniform((1, DROPOUT), np.array([8, 3]), 7, 2, 3), whole[[8, 3]])
    np.testing.assert_array_equal(uniform((1, DROPOUT), np.arange(10), 4, 2, 3), whole[:, :4])


def test_everything_asked_for_changes_the_draw():
    rows = np.arange(4)
    draws = [
        uniform((1, DROPOUT), rows, 16, 2, 3),
        uniform((2, DROPOUT), rows, 16, 2, 3),
        uniform((1, AUGMENT), rows, 16, 2, 3),
        uniform((1, DROPOUT), rows + 4, 16, 2, 3),
        uniform((1, DROPOUT), rows, 16, 3, 3),
        uniform((1, DROPOUT), rows, 16, 2, 4),
        uniform((1, DROPOUT), rows, 16, 3, 2),
    ]
    assert len(np.unique(draws)) == len(draws) * 4 * 16  # 448 of 2^24 values: a chance repeat has odds of 1 in 170


def test_randomness():
    randomness = Randomness(seed=5, step=6, first_sample=7)
    assert [randomness.new_stream() for _ in range(3)] == [0, 1, 2]
    expected = uniform((5, DROPOUT), np.arange(7, 10), 8, 2, 6)
    np.testing.assert_array_equal(randomness.uniform(2, 3, 8), expected)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_impossible_seed(seed):
    with pytest.raises(ValueError, match="seed must lie between"):
        Randomness(seed)
