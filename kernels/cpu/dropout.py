"""Twin of minieqt/layers/dropout.py's masks: Philox4x32-10 with its state in registers, the same numbers to the bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from .runtime.compile import compiled_parallel

Array = Any

DROPOUT = 0  # the key's second word, as in minieqt/philox.py
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW, HIGH = np.uint64(0xFFFFFFFF), np.uint64(32)


def dropout_mask(like: Array, shape: tuple[int, ...], rate: float, randomness: Any, stream: int) -> Array:
    """A mask of the given shape, batch first: 0 with probability `rate`, else 1 / (1 - rate)."""
    mask = np.empty((shape[0], math.prod(shape[1:])), np.float32)
    # A draw is a whole number below 2^24: dropped if below rate · 2^24, the same decision as u < rate.
    threshold = np.uint64(math.ceil(float(np.float32(rate)) * 2**24)) if rate else np.uint64(0)
    draw(
        np.uint64(randomness.seed),
        np.uint64(randomness.first_sample),
        np.uint64(stream),
        np.uint64(randomness.step),
        threshold,
        np.float32(1 / (1 - rate)),
        mask,
    )
    return mask.reshape(shape)


@compiled_parallel
def draw(
    seed: np.uint64,
    first_window: np.uint64,
    stream: np.uint64,
    step: np.uint64,
    threshold: np.uint64,
    kept: np.float32,
    mask: Array,
) -> None:
    """Fills mask (windows, count), four numbers per counter; see minieqt/philox.py for the rounds."""
    windows, count = mask.shape
    for n in prange(windows):
        words = np.empty(4, np.uint64)
        for block in range((count + 3) // 4):
            c0, c1, c2, c3 = np.uint64(block), first_window + np.uint64(n), stream, step
            k0, k1 = seed, np.uint64(DROPOUT)
            for _ in range(10):
                product0, product1 = M0 * c0, M1 * c2
                c0, c1 = (product1 >> HIGH) ^ c1 ^ k0, product1 & LOW
                c2, c3 = (product0 >> HIGH) ^ c3 ^ k1, product0 & LOW
                k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
            words[0], words[1], words[2], words[3] = c0, c1, c2, c3
            for i in range(min(4, count - 4 * block)):
                number = words[i] >> np.uint64(8)
                mask[n, 4 * block + i] = np.float32(0) if number < threshold else kept
