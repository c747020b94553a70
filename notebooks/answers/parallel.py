"""Worked answers of chapter 12."""

from __future__ import annotations

import numpy as np


def combined(gradients, counts):
    return sum(n * g for n, g in zip(counts, gradients, strict=True)) / sum(counts)


def sent_chunk(rank, step, N):
    return (rank - step) % N if step < N - 1 else (rank + 1 - (step - (N - 1))) % N


def efficiency(N, compute, size, latency, bandwidth):
    return compute / (compute + 2 * (N - 1) * (latency + size / (N * bandwidth)))


def reduce_scatter(vectors):
    chunks = np.array_split(sum(vectors), len(vectors))
    return [chunks[(r + 1) % len(vectors)] for r in range(len(vectors))]
