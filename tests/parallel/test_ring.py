"""The ring: right sums, the same bits on every rank, whatever the length; and who is to blame when it breaks."""

from __future__ import annotations

import time

import numpy as np
import pytest
from rings import ring, together

from minieqt.parallel import link
from minieqt.parallel.communicator import RankLost

SIZES = [1, 2, 3, 4, 7]
LENGTHS = [0, 1, 2, 3, 5, 7, 64, 1001]  # less than N, N, not divided by N


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_reduce(size, length, dtype, rng):
    terms = rng.standard_normal((size, length)).astype(dtype)
    results = [term.copy() for term in terms]
    together(size, lambda rank: rank.all_reduce(results[rank.rank]))
    np.testing.assert_allclose(results[0], terms.sum(axis=0), rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-5)
    assert len({result.tobytes() for result in results}) == 1


@pytest.mark.parametrize("size", [2, 3, 7])
def test_longer_than_a_link(size, monkeypatch, rng):
    monkeypatch.setattr(link, "CAPACITY", 64)
    terms = rng.integers(-9, 9, (size, 5, 67)).astype(np.float64)
    results = [term.copy() for term in terms]
    together(size, lambda rank: rank.all_reduce(results[rank.rank]))
    for result in results:
        np.testing.assert_array_equal(result, terms.sum(axis=0))  # whole numbers: any order gives the same


def test_the_order_of_a_sum_is_that_of_the_docstring():
    """Chunk 0 of three is (a + b) + c, chunk 1 (b + c) + a, chunk 2 (c + a) + b."""
    a, b, c = (np.full(3, value, np.float32) for value in (1e8, -1e8, 1.0))
    together(3, lambda rank: rank.all_reduce((a, b, c)[rank.rank]))
    np.testing.assert_array_equal(
        a, np.float32([(1e8 - 1e8) + 1, np.float32(-1e8 + 1) + 1e8, np.float32(1 + 1e8) - 1e8])
    )


def test_many_calls_in_a_row(rng):
    terms = rng.standard_normal((3, 200, 11))

    def work(rank):
        for array in terms[rank.rank]:
            rank.all_reduce(array)

    expected = terms.sum(axis=0)
    together(3, work)
    for result in terms:
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_broadcast(size, monkeypatch):
    monkeypatch.setattr(link, "CAPACITY", 64)
    for root in {0, size // 2, size - 1}:
        arrays = [np.full(50, rank, np.int64) for rank in range(size)]
        together(size, lambda rank, arrays=arrays, root=root: rank.broadcast(arrays[rank.rank], root))
        assert all((array == root).all() for array in arrays)


def test_barrier():
    """Nobody has passed before the last has come."""
    came, passed = [], []

    def work(rank):
        time.sleep(0.05 * rank.rank)
        came.append(time.monotonic())
        rank.barrier()
        passed.append(time.monotonic())

    together(3, work)
    assert max(came) <= min(passed)


def test_an_array_with_gaps_is_refused():
    with pytest.raises(ValueError, match="contiguous"):
        ring(1)[0].all_reduce(np.zeros((4, 4))[:, ::2])


def test_a_rank_that_has_gone():
    def work(rank):
        if rank.rank == 1:
            return
        rank.all_reduce(np.zeros(10))
        rank.all_reduce(np.zeros(10))

    with pytest.raises(RankLost, match="rank 1 of 3 has gone"):
        together(3, work)


def test_a_rank_that_sleeps_is_named():
    """Everybody times out on the left neighbour; everybody names the one that has not come."""

    def work(rank):
        rank.all_reduce(np.zeros(10))
        rank.timeout = 0.2
        if rank.rank == 2:
            time.sleep(0.8)
            return "slept"
        with pytest.raises(RankLost) as lost:
            rank.all_reduce(np.zeros(10))
        time.sleep(0.5)  # so that nobody is taken for gone
        return str(lost.value)

    said = together(4, work)
    assert said[2] == "slept"
    assert all(line.startswith("rank 2 of 4 has not come for 0.2 s") for line in said[:2] + said[3:])
