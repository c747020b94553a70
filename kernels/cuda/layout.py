"""Launches layout.cu: weights as the tiles of correlate.cuh and tensor.cuh read them."""

from __future__ import annotations

from typing import Any, NamedTuple

from kernels.cuda.launch import ceil_div, empty, launch

Array = Any

THREADS, MOST_FILTERS = 256, 64
FORWARD, BACKWARD, FOLDED = 0, 1, 2


class Weights(NamedTuple):
    """A layer's array W (O, C, K), and how a convolution takes it: see layout.cu."""

    W: Array
    kind: int  # FORWARD, BACKWARD, FOLDED, or FOLDED + BACKWARD
    Q: int = 0  # of FOLDED + BACKWARD


def lay_out(weights: Weights, F: int, C: int, K: int, filters: int, chunk: int, taps_first: bool) -> Array:
    """The weights of F filters, C channels and K taps, for tiles of `filters` that take `chunk` channels at a time."""
    W, kind, Q = weights
    size = ceil_div(F, MOST_FILTERS) * ceil_div(C, chunk) * chunk * K * filters
    into, taps = empty(W, size), W.shape[2]
    arguments = W, into, kind, F, C, K, taps, Q, filters, chunk, int(taps_first), size
    launch("layout.cu", "lay_out", ceil_div(size, THREADS), THREADS, arguments)
    return into
