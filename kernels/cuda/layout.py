"""Launches layout.cu: weights as the tiles of correlate.cuh and tensor.cuh read them."""

from __future__ import annotations

from typing import Any, NamedTuple

from .ahead import ahead
from .launch import ceil_div, empty, launch

Array = Any

THREADS, MOST_FILTERS, AT_A_TIME = 256, 64, 2
FORWARD, BACKWARD, FOLDED = 0, 1, 2
ABSENT = None, None, *(0,) * 10  # the arguments of an absent second convolution


class Convolution(NamedTuple):
    """C channels to O filters of K taps, T moments; W is a layer's array, and kind says how it is taken (layout.cu)."""

    W: Array
    kind: int  # FORWARD, BACKWARD, FOLDED, or FOLDED + BACKWARD
    C: int
    O: int
    K: int
    T: int
    Q: int = 0  # of FOLDED + BACKWARD


class Order(NamedTuple):
    """Tiles of `filters` filters that take `chunk` channels at a time, channel by channel or tap by tap."""

    filters: int
    chunk: int
    taps_first: bool


def lay_out(jobs: list[tuple[Convolution, Order]]) -> list[Array]:
    """The weights of each convolution in its order; two in one launch, ahead of the step."""
    return ahead(jobs[0][0].W, lambda: launch_layouts(jobs))


def launch_layouts(jobs: list[tuple[Convolution, Order]]) -> list[Array]:
    """The same on the current stream."""
    made: list[Array] = []
    for first in range(0, len(jobs), AT_A_TIME):
        parts: list[tuple] = []
        for (W, kind, C, O, K, _, Q), (filters, chunk, taps_first) in jobs[first : first + AT_A_TIME]:
            size = ceil_div(O, MOST_FILTERS) * ceil_div(C, chunk) * chunk * K * filters
            made.append(empty(W, size))
            parts.append((W, made[-1], kind, O, C, K, W.shape[2], Q, filters, chunk, int(taps_first), size))
        grid = ceil_div(max(part[-1] for part in parts), THREADS), len(parts)
        parts += [ABSENT] * (AT_A_TIME - len(parts))
        launch("layout.cu", "lay_out", grid, THREADS, tuple(argument for part in parts for argument in part))
    return made
