"""The dense layer, applied at every time step alike.

    y[n, o, t] = b[o] + Σ_c W[o, c] x[n, c, t]

x (B, C, T), W (O, C), b (O) -> y (B, O, T).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.initialise import xavier_normal
from minieqt.layer import Layer

Array = Any


def dense_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """The equation above: x (B, C, T), W (O, C), b (O) -> y (B, O, T), cache."""
    return W @ x + b[:, None], (x, W)


def dense_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dW (O, C), db (O)."""
    x, W = cache
    return W.T @ dy, (dy @ x.transpose(0, 2, 1)).sum(axis=0), dy.sum(axis=(0, 2))


class Dense(Layer):
    """`units` weighted sums of `channels` channels at each time step."""

    W: Array
    dW: Array
    b: Array
    db: Array

    def __init__(self, channels: int, units: int, rng: np.random.Generator):
        super().__init__()
        self.add_parameter("W", xavier_normal(rng, (units, channels), channels, units))
        self.add_parameter("b", np.zeros(units))

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, O, T)."""
        y, cache = dense_forward(x, self.W, self.b)
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, O, T) -> dx (B, C, T); adds to dW and db."""
        dx, dW, db = dense_backward(dy, self.take())
        self.accumulate(W=dW, b=db)
        return dx
