"""The model of scaling: limits that are known, what may never happen, and the closed form beside drawn numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scaling_model import (
    GRADIENT,
    Cluster,
    Device,
    Link,
    all_reduce,
    expected_maximum,
    exposed,
    fit,
    hierarchical,
    ring,
    simulated_straggling,
    step,
    straggling,
    tree,
)

LINK = Link(latency=50e-6, bandwidth=1e9)
CLUSTER = Cluster("test", 4, Link(1e-6, 100e9), LINK, node_files=1e9, files=5e9)
GPU = Device(rate=1000, floor=1e-3, jitter=0.02, hiccup=0.05, chance=0.01)


def test_one_rank_adds_up_nothing():
    assert ring(1, GRADIENT, LINK) == tree(1, GRADIENT, LINK) == all_reduce(1, GRADIENT, CLUSTER)[0] == 0
    steady = Device(rate=1000, floor=1e-3)
    found = step(1, 100, steady, CLUSTER)
    assert (found.sums, found.stragglers) == (0, 0) and found.seconds == pytest.approx(0.101)


def test_two_ranks():
    """Two messages of half the array; one is known."""
    assert ring(2, 1e6, LINK) == pytest.approx(2 * (50e-6 + 0.5e-3))
    assert tree(2, 1e6, LINK) == pytest.approx(2 * (50e-6 + 1e-3))


def test_a_ring_sends_the_array_less_than_twice():
    free = Link(0, 1e9)
    times = [ring(N, 1e6, free) for N in (2, 4, 16, 4096)]
    assert times == sorted(times) and times[-1] < 2e-3 and times[-1] == pytest.approx(2e-3, rel=1e-3)


def test_ring_for_large_arrays_tree_for_many_ranks():
    assert ring(4, 1e9, LINK) < tree(4, 1e9, LINK)
    assert tree(1024, 100, LINK) < ring(1024, 100, LINK)
    assert all_reduce(64, 1e7, CLUSTER)[1] == "hierarchical"


def test_hierarchical_of_one_gpu_a_node_is_flat():
    flat = Cluster("flat", 1, LINK, LINK)
    assert hierarchical(16, 1e6, flat) == min(ring(16, 1e6, LINK), tree(16, 1e6, LINK))


def test_ranks_that_take_turns():
    assert ring(4, 100, LINK, processors=2) == 2 * ring(4, 100, LINK)
    assert ring(2, 100, LINK, processors=2) == ring(2, 100, LINK)


def test_the_fit_finds_the_link():
    measured = {size: ring(3, size, LINK, processors=2) for size in (4, 10_000, 10_000_000)}
    link, error = fit(measured, 3, processors=2)
    assert link.latency == pytest.approx(LINK.latency) and link.bandwidth == pytest.approx(LINK.bandwidth)
    assert error < 1e-9


def test_the_expected_maximum():
    assert expected_maximum(1) == pytest.approx(0, abs=1e-9)
    assert expected_maximum(2) == pytest.approx(1 / math.sqrt(math.pi), rel=1e-6)
    assert expected_maximum(3) == pytest.approx(1.5 / math.sqrt(math.pi), rel=1e-6)
    assert 0.9 * math.sqrt(2 * math.log(10**5)) < expected_maximum(10**5) < math.sqrt(2 * math.log(10**5))


@pytest.mark.parametrize("N, batches", [(1, 1), (8, 1), (200, 1), (8, 5), (64, 3)])
def test_stragglers_as_drawn(N, batches, rng):
    rounds = 400_000 // (N * batches)
    jitter, hiccup = Device(1000, 0, 0.02), Device(1000, 0, 0, 0.05, 0.01)
    for device in (jitter, hiccup):
        drawn = simulated_straggling(N, device, 100, batches, rounds, rng)
        assert straggling(N, device, 100, batches) == pytest.approx(drawn, rel=0.06, abs=1e-4)
    both = Device(1000, 0, 0.02, 0.05, 0.01)
    drawn = simulated_straggling(N, both, 100, batches, rounds, rng)
    assert 0.95 * drawn < straggling(N, both, 100, batches) < 1.5 * drawn + 1e-4


def test_buckets():
    seconds = LINK.seconds
    assert exposed(1.0, seconds, 1e6, 1) == pytest.approx(seconds(1e6))
    assert exposed(1.0, seconds, 1e6, 4) == pytest.approx(seconds(0.25e6))  # all but the last end during backward
    assert exposed(0.0, seconds, 1e6, 4) == pytest.approx(4 * seconds(0.25e6))  # nothing to hide behind
    assert exposed(1.0, seconds, 1e6, 1000) > exposed(1.0, seconds, 1e6, 4) or LINK.latency * 1000 < 2 / 3


def test_more_gpus_never_do_more_each():
    for windows in (lambda N: 200, lambda N: 200 / N):
        each = [step(N, windows(N), GPU, CLUSTER).rate / N for N in (1, 2, 4, 8, 64, 1024)]
        assert each == sorted(each, reverse=True)


def test_remedies():
    """Accumulation, local SGD and overlap each lose less to the sums; data in memory wait for no files."""
    plain = step(64, 5, GPU, CLUSTER)
    for options in ({"accumulate": 4}, {"local": 4}, {"overlap": True}):
        other = step(64, 5, GPU, CLUSTER, **options)
        assert other.sums / other.windows < plain.sums / plain.windows
    assert plain.files == 0
    hungry = Device(rate=100_000)
    assert step(64, 200, hungry, CLUSTER).limit == "files"
    assert step(64, 200, hungry, CLUSTER).rate == pytest.approx(CLUSTER.files / 36_000)
    assert step(64, 200, hungry, CLUSTER, cached=True).files == 0
    assert not np.isclose(step(64, 200, hungry, CLUSTER, cached=True).rate, CLUSTER.files / 36_000)
