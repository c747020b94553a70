"""Launches dropout.cu: twin of minieqt/layers/dropout.py's masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .ahead import ahead
from .launch import ceil_div, empty, launch, on_machine

Array = Any

THREADS = 128


def dropout_mask(like: Array, shape: tuple[int, ...], rate: float, randomness: Any, stream: int) -> Array:
    """A mask of the given shape, batch first: 0 with probability `rate`, else 1 / (1 - rate); ahead of the step."""
    return ahead(like, lambda: launch_mask(like, shape, rate, randomness, stream))


def launch_mask(like: Array, shape: tuple[int, ...], rate: float, randomness: Any, stream: int) -> Array:
    """The same on the current stream."""
    samples, count = shape[0], math.prod(shape[1:])
    mask = empty(like, shape)
    # A draw is a whole number below 2^24: dropped if below rate · 2^24, the same decision as u < rate.
    threshold = np.uint32(math.ceil(float(np.float32(rate)) * 2**24))
    step = on_machine(like, randomness.step, np.uint32)
    counter = np.uint32(randomness.seed), np.uint32(randomness.first_sample), np.uint32(stream), step
    blocks = ceil_div(samples * ceil_div(count, 4), THREADS)
    arguments = (*counter, threshold, 1 / (1 - rate), mask, samples, count)
    launch("dropout.cu", "dropout_mask", blocks, THREADS, arguments)
    return mask
