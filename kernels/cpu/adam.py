"""Twin of minieqt/adam.py: one pass over the flat vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from .runtime.compile import compiled, compiled_parallel

Array = Any

BETA1, BETA2, EPS = 0.9, 0.999, 1e-7
KEEP1, TAKE1 = np.float32(BETA1), np.float32(1 - BETA1)
KEEP2, TAKE2 = np.float32(BETA2), np.float32(1 - BETA2)
BLOCK = 4096  # whole vectors on every processor


def adam_step(
    theta: Array, gradient: Array, m: Array, v: Array, l1: Array, l2: Array, t: int, learning_rate: float
) -> None:
    """One step in place on theta, m and v, all vectors (N,); t counts steps from 1."""
    step_size = learning_rate * math.sqrt(1 - BETA2**t) / (1 - BETA1**t)
    update(theta, gradient, m, v, l1, l2, np.float32(step_size))


@compiled_parallel
def update(theta: Array, gradient: Array, m: Array, v: Array, l1: Array, l2: Array, step_size: np.float32) -> None:
    """The definition's equations, number by number.

    In blocks of a fixed size: the numbers left over at a loop's end, too few for a vector, are rounded differently, and
    which ones these are must not depend on the number of threads.
    """
    for block in prange((theta.size + BLOCK - 1) // BLOCK):
        part = slice(block * BLOCK, (block + 1) * BLOCK)
        update_block(theta[part], gradient[part], m[part], v[part], l1[part], l2[part], step_size)


@compiled
def update_block(
    theta: Array, gradient: Array, m: Array, v: Array, l1: Array, l2: Array, step_size: np.float32
) -> None:
    """`update` of one block: on slices, because a loop from one variable index to another would not be vectorised."""
    for k in range(theta.size):
        g = gradient[k] + l1[k] * np.sign(theta[k]) + np.float32(2) * l2[k] * theta[k]
        m[k] = KEEP1 * m[k] + TAKE1 * g
        v[k] = KEEP2 * v[k] + TAKE2 * g * g
        theta[k] -= step_size * m[k] / (np.sqrt(v[k]) + np.float32(EPS))
