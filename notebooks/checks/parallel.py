"""Exercises of chapter 12."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import expect, expect_close

RNG = np.random.default_rng(12)


def combined(answer: Any) -> None:
    """Return one gradient."""
    gradients, counts = list(RNG.standard_normal((3, 5))), [4, 1, 0]
    found = np.asarray(answer(gradients, counts))
    expect(not np.allclose(found, np.mean(gradients, axis=0)), "a rank with more windows counts for more")
    expect_close(found, (4 * gradients[0] + gradients[1]) / 5, "the gradient")


def sent_chunk(answer: Any) -> None:
    """Return the number of a chunk."""
    N = 4
    for rank in range(N):
        for step in range(2 * (N - 1)):
            right = (rank - step) % N if step < N - 1 else (rank + 1 - (step - (N - 1))) % N
            found = answer(rank, step, N)
            expect(0 <= found < N, f"chunks are numbered 0 to {N - 1}, modulo N; rank {rank} in step {step}: {found}")
            expect(found == right, f"rank {rank} of {N} sends chunk {right} in step {step}, not {found}")


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
