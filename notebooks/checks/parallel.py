"""Exercises of chapter 12."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close

RNG = np.random.default_rng(12)


def ring(answer: Any) -> None:
    """Fill in which chunk arrives in either round, and which is sent in the second."""
    rounds: list[Any] = []
    found, _ = answer([np.ones(8) for _ in range(4)], lambda chunks: rounds.append(np.array(chunks)[..., 0]))
    complete = [int(rounds[2][r, (r + 1) % 4]) for r in range(4)]
    expect(complete == [4] * 4, f"after the first round rank r's chunk r + 1 must have 4 terms, not {complete}")
    expect(np.min(found) == 4, f"at the end every chunk must have 4 terms; one has {np.min(found):g}")
    vectors = list(RNG.standard_normal((3, 6)))
    for vector in answer(vectors)[0]:
        expect_close(vector, sum(vectors), "the sum of three ranks")


def combined(answer: Any) -> None:
    """Return one gradient."""
    gradients, counts = list(RNG.standard_normal((3, 5))), [4, 1, 0]
    found = np.asarray(answer(gradients, counts))
    expect(not np.allclose(found, np.mean(gradients, axis=0)), "a rank with more windows counts for more")
    expect_close(found, (4 * gradients[0] + gradients[1]) / 5, "the gradient")


def efficiency(answer: Any) -> None:
    """Return a share between 0 and 1."""
    expect_close(answer(1, 0.1, 1.5e6, 5e-5, 1e9), 1.0, "the efficiency of one rank")
    expect_close(answer(4, 0.1, 1.5e6, 5e-5, 1e9), 0.1 / (0.1 + 6 * (5e-5 + 1.5e6 / 4e9)), "that of four ranks")


def reduce_scatter(answer: Any) -> None:
    """Return a list of chunks, one for each rank."""
    vectors = list(RNG.standard_normal((4, 10)))
    found, chunks = answer([vector.copy() for vector in vectors]), np.array_split(sum(vectors), 4)
    expect(len(found) == 4, f"{len(found)} chunks for four ranks")
    expect(np.shape(found[0]) != np.shape(chunks[0]) or not np.allclose(found[0], chunks[0]), "rank r completes r + 1")
    for r in range(4):
        expect_close(found[r], chunks[(r + 1) % 4], f"rank {r}'s chunk")
