"""Initial weights: Xavier-normal for every matrix and kernel (Glorot & Bengio 2010), zero for every bias.

Numbers are drawn in float64 and cast later, so that a seed gives the same weights in either precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def xavier_normal(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Array:
    """N(0, 2 / (fan_in + fan_out)) of the given shape, float64; fans: inputs per output, outputs per input."""
    return rng.normal(0.0, np.sqrt(2.0 / (fan_in + fan_out)), shape)
