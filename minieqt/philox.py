"""Counter-based randomness: every draw is a function of (seed, purpose, counter) and of nothing else.

Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") turns a counter of four
32-bit words and a key of two into four random words, by ten rounds of

    (c0, c1, c2, c3) -> (hi(M1 c2) ^ c1 ^ k0,  lo(M1 c2),  hi(M0 c0) ^ c3 ^ k1,  lo(M0 c0))

with the key raised by (W0, W1) after each. There is no state to carry, save or share: CPU and GPU, one worker
or eight, a fresh run and a resumed one draw the same numbers because they use the same counters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import array_module

Array = Any

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = 0x9E3779B9, 0xBB67AE85
LOW, HIGH = np.uint64(0xFFFFFFFF), np.uint64(32)

# The second word of the key: what the numbers are for. One value each, so that no two purposes share a stream.
DROPOUT, AUGMENT, SHUFFLE, SPLIT, SYNTHETIC = range(5)


def philox(counter: Array, key: tuple[int, int]) -> Array:
    """Four random 32-bit words for each counter.

    counter (..., 4) unsigned integers below 2^32, key two integers below 2^32 -> (..., 4) uint32.
    """
    c0, c1, c2, c3 = (counter[..., i].astype(np.uint64) for i in range(4))
    k0, k1 = key
    for _ in range(10):
        product0, product1 = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (
            (product1 >> HIGH) ^ c1 ^ np.uint64(k0),
            product1 & LOW,
            (product0 >> HIGH) ^ c3 ^ np.uint64(k1),
            product0 & LOW,
        )
        k0, k1 = (k0 + W0) & 0xFFFFFFFF, (k1 + W1) & 0xFFFFFFFF
    return array_module(counter).stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def to_uniform(words: Array) -> Array:
    """uint32 -> float32 in [0, 1): the upper 24 bits, so that every value is exact in float32."""
    return (words >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def uniform(key: tuple[int, int], rows: Array, count: int, c2: int, c3: int) -> Array:
    """`count` uniform numbers for each row: (len(rows), count) float32 in [0, 1).

    The four words of a counter are (block of four numbers, row, c2, c3): a row's numbers do not depend on
    the other rows, so that a batch can be cut into shards without changing a draw.
    """
    xp = array_module(rows)
    blocks = -(-count // 4)
    counter = xp.empty((len(rows), blocks, 4), np.uint64)
    counter[..., 0] = xp.arange(blocks, dtype=np.uint64)
    counter[..., 1] = rows.astype(np.uint64)[:, None]
    counter[..., 2] = c2
    counter[..., 3] = c3
    return to_uniform(philox(counter, key)).reshape(len(rows), blocks * 4)[:, :count]


class Randomness:
    """What the dropout layers of one network share: the seed, the training step, the batch's first sample.

    The network advances `step` at every training pass and a checkpoint stores it; `first_sample` is this
    shard's place in the whole batch. Each dropout layer adds its own number, `stream`.
    """

    def __init__(self, seed: int, step: int = 0, first_sample: int = 0):
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed must lie between 0 and 2^32 - 1, got {seed}")
        self.seed, self.step, self.first_sample = seed, step, first_sample
        self.streams = 0

    def new_stream(self) -> int:
        """The number of the next dropout layer, in order of creation."""
        self.streams += 1
        return self.streams - 1

    def uniform(self, stream: int, samples: int, count: int, xp: Any = np) -> Array:
        """(samples, count) float32 in [0, 1) for dropout layer `stream` at this step."""
        rows = xp.arange(self.first_sample, self.first_sample + samples)
        return uniform((self.seed, DROPOUT), rows, count, stream, self.step)
