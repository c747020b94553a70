"""Dropout (Srivastava et al. 2014), by counter-based masks.

    y = x · m,      m = 1 / (1 - rate) with probability 1 - rate, else 0;       dx = dy · m

Dropout has a mask number for every value (B, C, T); spatial dropout one for a whole channel (B, C, 1), which for
a sequence means the same mask at every step. A mask depends on (seed, step, layer, sample) alone: it can be drawn
again instead of stored, a resumed run draws what the interrupted one would have, and a batch may be cut up.
"""

from __future__ import annotations

import math
from typing import Any

from minieqt.backend import accelerated, array_module
from minieqt.layer import Layer
from minieqt.philox import Randomness

Array = Any


@accelerated
def dropout_mask(like: Array, shape: tuple[int, ...], rate: float, randomness: Randomness, stream: int) -> Array:
    """A mask m of the given shape, batch first, in the dtype and on the device of `like`, for layer `stream`."""
    numbers = randomness.uniform(stream, shape[0], math.prod(shape[1:]), array_module(like))
    return ((numbers >= rate) / (1 - rate)).astype(like.dtype).reshape(shape)


class Dropout(Layer):
    """Zero each value with probability `rate` in training; in evaluation only if asked for samples (`sampling`)."""

    def __init__(self, rate: float, randomness: Randomness):
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"a dropout rate lies in [0, 1), got {rate}")
        self.rate = rate
        self.randomness = randomness
        self.stream = randomness.new_stream()
        self.sampling = False  # stay active in evaluation: Monte-Carlo dropout

    def mask(self, shape: tuple[int, ...], like: Array) -> Array | None:
        """A mask of the given shape, batch first, in the dtype and on the device of `like`; None if all ones."""
        if not (self.training or self.sampling) or self.rate == 0:
            return None
        return dropout_mask(like, shape, self.rate, self.randomness, self.stream)

    def mask_shape(self, x: Array) -> tuple[int, ...]:
        """One mask number per value."""
        return x.shape

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, T)."""
        mask = self.mask(self.mask_shape(x), x)
        self.keep((mask,))
        return x if mask is None else x * mask

    def backward(self, dy: Array) -> Array:
        """dy (B, C, T) -> dx (B, C, T)."""
        (mask,) = self.take()
        return dy if mask is None else dy * mask


class SpatialDropout(Dropout):
    """Zero whole channels, each with probability `rate`."""

    def mask_shape(self, x: Array) -> tuple[int, ...]:
        """One mask number per sample and channel."""
        return (*x.shape[:2], 1)
