"""The sums of a chain's backward, put in order: groups added up, and each stage's tiles of sums turned into its dW."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from numba import prange

from ..runtime.compile import compiled, compiled_parallel
from .correlate import place_of_sum, sums_shape
from .plan import Stage, stage_of, weight_of

Array = Any

CHUNK = 4096  # numbers of the sums to a piece of work


def split(flat: Array, firsts: Array, shapes: Sequence[tuple[int, ...]]) -> tuple[Array, ...]:
    """A flat array cut into the stages' parts; that of stage s begins at firsts[s]."""
    places = pairwise(firsts.tolist())
    return tuple(flat[first:end].reshape(shape) for (first, end), shape in zip(places, shapes, strict=True))


@compiled
def sums_of(stage: Stage, sums: Array) -> Array:
    """A stage's sums (blocks, tiles, SUMS_STRIDE) in those of all."""
    blocks, tiles, stride = sums_shape(stage.filters, stage.channels * stage.taps)
    return sums[stage.sums_at : stage.sums_at + blocks * tiles * stride].reshape(blocks, tiles, stride)


@compiled_parallel
def add_groups(parts: Array) -> None:
    """parts[0] += all others, in order."""
    groups, count = parts.shape
    for block in prange((count + CHUNK - 1) // CHUNK):
        total = parts[0, block * CHUNK : (block + 1) * CHUNK]
        for group in range(1, groups):
            part = parts[group, block * CHUNK : (block + 1) * CHUNK]
            for i in range(total.size):
                total[i] += part[i]


@compiled_parallel
def collect(stages: Array, sums: Array, dW: Array) -> None:
    """The sums -> dW (O, C, K) of all stages, flat, filter by filter."""
    for item in prange(stages[-1].b_at):
        stage = stages[stage_of(stages["b_at"], item)]
        o, gathered = item - stage.b_at, sums_of(stage, sums)
        flat, own = gathered.reshape(-1), weight_of(stage, dW)[o]
        for c in range(own.shape[0]):
            for k in range(own.shape[1]):
                own[c, k] = flat[place_of_sum(o, c * own.shape[1] + k, gathered.shape[1])]
