"""Worked answers of chapter 12."""

from __future__ import annotations

import numpy as np


def ring(vectors, note=lambda chunks: None):
    N = len(vectors)
    chunks = [np.array_split(vector.copy(), N) for vector in vectors]
    sent = 0
    for s in range(N - 1):
        messages = [chunks[r][(r - s) % N].copy() for r in range(N)]
        sent += messages[0].size
        for r in range(N):
            chunks[r][(r - s - 1) % N] += messages[r - 1]
        note(chunks)
    for s in range(N - 1):
        messages = [chunks[r][(r + 1 - s) % N].copy() for r in range(N)]
        sent += messages[0].size
        for r in range(N):
            chunks[r][(r - s) % N] = messages[r - 1]
        note(chunks)
    return [np.concatenate(chunk) for chunk in chunks], sent


def combined(gradients, counts):
    return sum(n * g for n, g in zip(counts, gradients, strict=True)) / sum(counts)


def efficiency(N, compute, size, latency, bandwidth):
    return compute / (compute + 2 * (N - 1) * (latency + size / (N * bandwidth)))


def reduce_scatter(vectors):
    chunks = np.array_split(sum(vectors), len(vectors))
    return [chunks[(r + 1) % len(vectors)] for r in range(len(vectors))]
