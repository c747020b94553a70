"""Packed weights: made once, made again after any change, and never mixed up."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.runtime import packed as module
from kernels.cpu.runtime.packed import packed, same_bits


@pytest.fixture
def double(monkeypatch):
    """A way of packing that counts how often it was asked."""
    monkeypatch.setattr(module, "_kept", type(module._kept)())

    def pack(*arrays):
        pack.calls += 1
        return [2 * array for array in arrays]

    pack.calls = 0
    return pack


def test_the_same_weights_are_packed_once(rng, double):
    W, b = rng.normal(size=(5, 3, 7)).astype(np.float32), rng.normal(size=5).astype(np.float32)
    first = packed(double, W, b)
    assert packed(double, W, b) is first and double.calls == 1
    assert np.array_equal(first[0], 2 * W) and np.array_equal(first[1], 2 * b)


@pytest.mark.parametrize("place", [0, 1024, 5000, -1])
def test_any_change_is_seen(rng, double, place):
    W = rng.normal(size=(9, 8, 97)).astype(np.float32)
    packed(double, W)
    W.reshape(-1)[place] = np.nextafter(W.reshape(-1)[place], np.float32(9))
    assert np.array_equal(packed(double, W)[0], 2 * W) and double.calls == 2


def test_what_was_packed_does_not_see_later_changes(rng):
    W = rng.normal(size=(4, 5, 3)).astype(np.float32)
    before = W.copy()
    kept = packed(lambda weights: weights, W)
    W[:] = 0
    assert np.array_equal(kept, before)


def test_views_and_other_ways_of_packing_are_kept_apart(rng, double):
    W = rng.normal(size=(4, 6)).astype(np.float32)
    assert np.array_equal(packed(double, W[:, ::2])[0], 2 * W[:, ::2])
    assert np.array_equal(packed(double, W[:2])[0], 2 * W[:2])
    assert np.array_equal(packed(double, W)[0], 2 * W)
    assert packed(np.sum, W) == W.sum() and double.calls == 3


def test_few_are_kept(rng, double, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    arrays = [rng.normal(size=4).astype(np.float32) for _ in range(5)]
    for array in arrays:
        packed(double, array)
    assert len(module._kept) == 3


def test_bits_are_compared():
    zero, nan = np.zeros(3, np.float32), np.full(3, np.nan, np.float32)
    assert same_bits(zero, zero.copy()) and same_bits(nan, nan.copy())
    assert not same_bits(zero, -zero) and not same_bits(zero, nan)
