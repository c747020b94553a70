"""The sums of the decoder's backward at Winograd's nodes, turned into dW: dg = Gᵀ dĝ, then unfolded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..conv.correlate import place_of_sum
from ..conv.plan import stage_of
from ..runtime.compile import compiled_parallel
from .crop import by_tap_of
from .fold import unfold
from .layout import sums_of
from .winograd import KERNEL_TRANSFORMS

Array = Any


@compiled_parallel
def collect(stages: Array, sums: Array, cropped: Array, dW: Array) -> None:
    """The sums -> dW (O, C, K) of all stages, flat, filter by filter; `cropped` (crop.py) is added."""
    for item in prange(stages[-1].b_at):
        stage = stages[stage_of(stages["b_at"], item)]
        o, C, K, taps, parts = item - stage.b_at, stage.channels, stage.kernel, stage.taps, stage.parts
        at, gathered, G = stage.W_at + o * C * K, sums_of(stage, sums), KERNEL_TRANSFORMS[stage.method]
        own, tiles = dW[at : at + C * K].reshape(C, K), gathered.shape[2]
        folded = np.zeros((2, C, parts * taps), np.float32)
        for odd in range(2):
            filter_ = odd * stage.half + o
            for node in range(stage.nodes):
                flat = gathered[node].reshape(-1)
                for part in range(parts):
                    for c in range(C):
                        value = flat[place_of_sum(filter_, part * C + c, tiles)]
                        for k in range(taps):
                            folded[odd, c, part * taps + k] += G[node, k] * value
        unfold(folded[0], folded[1], stage.begin, stage.lag, own)
        if stage.crop_left or stage.crop_right:
            by_tap = by_tap_of(stage, cropped)
            for c in range(C):
                for k in range(K):
                    own[c, k] += by_tap[k, c, o]
