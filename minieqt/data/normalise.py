"""One normalisation for training windows and for continuous data: zero mean, unit deviation, per component.

    y = (x − mean x) / std x      over time, each component by itself      (published code, mode "std")

A component is dead when it does not vary, or varies by less than float32 resolves beside its offset; a dead
component becomes zero. Networks trained elsewhere may want another divisor: SeisBench's are divided by the standard
deviation of all components together ("window"), or each component by its largest amplitude ("peak").
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import array_module

Array = Any

NORMALISATIONS = ("component", "window", "peak")


def normalise(x: Array, how: str = "component") -> Array:
    """x (..., C, T) -> the same shape and floating dtype; statistics in float64, as counts may be huge or tiny.

    ValueError if `how` is none of NORMALISATIONS.
    """
    if how not in NORMALISATIONS:
        raise ValueError(f"normalisation must be one of {', '.join(NORMALISATIONS)}, got {how!r}")
    xp = array_module(x)
    mean = x.mean(axis=-1, keepdims=True, dtype=np.float64)
    centred = x - mean
    deviation = xp.sqrt((centred * centred).mean(axis=-1, keepdims=True))
    alive = deviation > np.finfo(np.float32).eps * xp.abs(mean)
    divisor = deviation
    if how == "window":
        divisor = xp.broadcast_to(xp.sqrt((deviation**2).mean(axis=-2, keepdims=True)), deviation.shape)
    elif how == "peak":
        divisor = xp.abs(centred).max(axis=-1, keepdims=True)
    scale = xp.where(alive, 1 / xp.where(alive, divisor, 1), 0)
    return (centred * scale).astype(np.result_type(x.dtype, np.float32))
