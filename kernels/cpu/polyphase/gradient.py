"""What the decoder's backward has summed at Winograd's nodes, brought back to dW."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.conv.correlate import place_of_sum
from kernels.cpu.polyphase.crop import by_tap_of
from kernels.cpu.polyphase.fold import unfold
from kernels.cpu.polyphase.layout import (
    BEGIN,
    BIAS,
    CHANNELS,
    CROP_LEFT,
    CROP_RIGHT,
    FILTERS,
    HALF,
    KERNEL,
    LAG,
    METHOD,
    NODES,
    PARTS,
    TAPS,
    WEIGHTS,
    sums_of,
)
from kernels.cpu.polyphase.weights import stage_of_filter
from kernels.cpu.polyphase.winograd import WEIGHTS as TO_NODES
from kernels.cpu.runtime.compile import compiled_parallel

Array = Any


@compiled_parallel
def collect(table: Array, sums: Array, cropped: Array, dW: Array) -> None:
    """The sums -> dW (O, C, K) of all stages, flat, filter by filter; what cropped samples had no part in is added."""
    for item in prange(table[-2, BIAS] + table[-2, FILTERS]):
        stage = table[stage_of_filter(table, item)]
        o, C, K, taps, parts = item - stage[BIAS], stage[CHANNELS], stage[KERNEL], stage[TAPS], stage[PARTS]
        at, gathered, G = stage[WEIGHTS] + o * C * K, sums_of(stage, sums), TO_NODES[stage[METHOD]]
        own, tiles = dW[at : at + C * K].reshape(C, K), gathered.shape[2]
        folded = np.zeros((2, C, parts * taps), np.float32)
        for odd in range(2):
            filter_ = odd * stage[HALF] + o
            for node in range(stage[NODES]):
                flat = gathered[node].reshape(-1)
                for part in range(parts):
                    for c in range(C):
                        value = flat[place_of_sum(filter_, part * C + c, tiles)]
                        for k in range(taps):
                            folded[odd, c, part * taps + k] += G[node, k] * value
        unfold(folded[0], folded[1], stage[BEGIN], stage[LAG], own)
        if stage[CROP_LEFT] or stage[CROP_RIGHT]:
            by_tap = by_tap_of(stage, cropped)
            for c in range(C):
                for k in range(K):
                    own[c, k] += by_tap[k, c, o]
