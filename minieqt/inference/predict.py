"""A network's answers as one NumPy array, wherever it computes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import to_numpy
from minieqt.model import EQTransformer

Array = Any


def predict(model: EQTransformer, x: Array) -> Array:
    """x (B, 3, T) normalised -> probabilities (B, 3, T) of detection, P and S."""
    return np.stack([to_numpy(probability) for probability in model.forward(x)], axis=1)
