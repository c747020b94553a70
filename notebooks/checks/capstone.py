"""Exercises of chapter 16."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue
from typing import Any

import numpy as np
from checks.kernels import compiled
from course.checking import Wrong, expect, expect_close

from minieqt.blocks.encoder import encoder_stage_forward
from minieqt.layers.conv1d import conv1d_forward, pad_same

RNG = np.random.default_rng(16)
PATIENCE = 2.0  # seconds that a rank waits for its left neighbour


class Mailbox(Queue):
    """A queue that nobody waits at for ever."""

    def get(self, block: bool = True, timeout: float | None = PATIENCE) -> Any:
        try:
            return super().get(block, timeout)
        except Empty:
            raise Wrong("a rank waits for a message that its left neighbour never sends") from None


def everybodys_mean(answer: Any) -> None:
    """Fill in the share, and which chunk is sent and which arrives in either round."""
    for counts in ([2, 2], [10, 6], [3, 2, 3]):
        means = list(RNG.standard_normal((len(counts), 12)))
        right = sum(n * mean for n, mean in zip(counts, means, strict=True)) / sum(counts)
        for r, found in enumerate(round_the_ring(answer, means, counts)):
            of = f"with {' + '.join(map(str, counts))} windows rank {r}'s vector"
            expect(not np.allclose(found, sum(means)), f"{of} is the sum of the ranks' means: the shares are missing")
            plain = counts[0] != counts[1] and np.allclose(found, np.mean(means, axis=0))
            expect(not plain, f"{of} is the plain mean: a rank with more windows counts for more")
            expect_close(found, right, of)


def round_the_ring(rank: Any, means: list[Any], counts: list[int]) -> list[Any]:
    """The vector that each rank has changed, all ranks at once, each in a thread of its own."""
    N, vectors = len(means), [mean.copy() for mean in means]
    boxes = [Mailbox() for _ in means]
    with ThreadPoolExecutor(N) as pool:
        asked = [
            pool.submit(rank, r, N, vectors[r], counts[r], sum(counts), boxes[r - 1], boxes[r]) for r in range(N)
        ]
    raised = filter(None, [each.exception() for each in asked])
    for error in sorted(raised, key=lambda error: isinstance(error, Wrong)):
        raise error  # what broke comes before who waited for it
    return vectors


def stage_kernel(answer: Any) -> None:
    """Fill in how a row begins, what is added to it, and what leaves it; return y."""
    for K, T in ((5, 12), (3, 9)):  # the last sample of an odd row has no neighbour
        x, W, b = RNG.standard_normal((2, 3, T)), RNG.standard_normal((4, 3, K)), RNG.standard_normal(4)
        rows, right = pad_same(x, K), encoder_stage_forward(x, W, b)[0]
        found = np.asarray(answer(rows, W, b, np.full_like(right, np.nan)))
        expect(np.isfinite(found).all(), "not all of y was written")
        expect((found >= 0).all(), "y has numbers below zero: where is the ReLU?")
        without_bias = encoder_stage_forward(x, W, 0 * b)[0]
        expect(not np.allclose(found, without_bias), "the bias is missing: how does a row begin?")
        every_second = np.maximum(conv1d_forward(x, W, b)[0], 0)[:, :, ::2]
        expect(not np.allclose(found, every_second), "of a pair only the first is looked at")
        z = np.append(conv1d_forward(x, W, b)[0], np.zeros((2, 4, T % 2)), axis=-1)
        means = np.maximum((z[:, :, ::2] + z[:, :, 1::2]) / 2, 0)
        expect(not np.allclose(found, means), "y has the mean of each pair, and not the larger one")
        expect_close(found, right, f"y of {T} samples")
        expect_close(compiled(answer, rows, W, b, np.empty_like(right)), right, "compiled, y")


def earthquakes(answer: Any) -> None:
    """Fill in where the list of times is cut, and which groups are earthquakes."""
    times, stations = np.array([10.0, 10.3, 10.9, 50.0, 50.2, 90.0]), np.array(list("ABCABA"))
    found = list(answer(times, stations, 1.0, 3))
    expect(found != [], "nothing found: 10.0, 10.3 and 10.9 are three stations; the cut is one too early or too late")
    expect(found == [10.3], f"three stations agree at about 10.3 s, and nowhere else; found {found}")
    expect(list(answer(times, stations, 1.0, 2)) == [10.3, 50.1], "two stations agree at 10.3 and at 50.1 s")
    twice = list(answer(np.array([10.0, 10.1, 10.2]), np.array(list("AAB")), 1.0, 3))
    expect(twice == [], "station A, twice, and B are two stations and not three")
    drawn_out = list(answer(np.array([10.0, 10.8, 11.6]), np.array(list("ABC")), 1.0, 3))
    expect(drawn_out == [10.8], "10.0, 10.8 and 11.6 are one group: no gap is longer than 1 s")


def all_peaks(answer: Any) -> None:
    """Return the samples of the peaks, in order."""
    curve = np.zeros(80)
    heights = {10: 0.9, 14: 0.5, 22: 0.35, 25: 0.8, 40: 0.9, 45: 0.6, 50: 0.5, 60: 0.2, 70: 0.3}
    curve[list(heights)] = list(heights.values())
    found = list(answer(curve, 0.3, 6))
    expect(60 not in found, "at 60 the curve reaches 0.2 only, and the threshold is 0.3")
    expect(70 in found, "at 70 the curve reaches the threshold")
    expect(14 not in found, "10 and 14 are closer than 6 samples: only one of them may stay")
    expect(25 in found and 22 not in found, "of 22 (0.35) and 25 (0.8) the higher one stays")
    expect(50 in found, "50 is ten samples from 40; 45 lies between, but it was left out")
    expect(found == sorted(found), f"in order of time, please; found {found}")
    expect(found == [10, 25, 40, 50, 70], f"the peaks are at 10, 25, 40, 50 and 70; found {found}")
    expect(45 in list(answer(curve, 0.3, 5)), "40 and 45 are five samples apart, which is enough for apart = 5")
