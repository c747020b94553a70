"""The transformer's feed-forward part: two dense layers at every time step, the wide one with ReLU and dropout.

    y_t = W2 (relu(W1 x_t + b1) · m) + b2

x (B, C, T), W1 (F, C), b1 (F), W2 (C, F), b2 (C), m (B, F, T) or None -> y (B, C, T).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import accelerated
from minieqt.layer import Layer
from minieqt.layers.activations import relu_backward, relu_forward
from minieqt.layers.dense import Dense, dense_backward, dense_forward
from minieqt.layers.dropout import Dropout
from minieqt.philox import Randomness

Array = Any


@accelerated
def feedforward_forward(
    x: Array, W1: Array, b1: Array, W2: Array, b2: Array, mask: Array | None = None
) -> tuple[Array, Any]:
    """The equation above: x (B, C, T) -> y (B, C, T), cache."""
    z, wide_cache = dense_forward(x, W1, b1)
    a = relu_forward(z)
    y, narrow_cache = dense_forward(a if mask is None else a * mask, W2, b2)
    return y, (wide_cache, a, mask, narrow_cache)


@accelerated
def feedforward_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dW1 (F, C), db1 (F), dW2 (C, F), db2 (C)."""
    wide_cache, a, mask, narrow_cache = cache
    da, dW2, db2 = dense_backward(dy, narrow_cache)
    if mask is not None:
        da = da * mask
    dx, dW1, db1 = dense_backward(relu_backward(da, a), wide_cache)
    return dx, dW1, db1, dW2, db2


class FeedForward(Layer):
    """`channels` -> `units` -> `channels` at every time step."""

    def __init__(
        self,
        channels: int,
        units: int,
        rng: np.random.Generator,
        randomness: Randomness,
        drop_rate: float = 0.0,
    ):
        super().__init__()
        self.wide = Dense(channels, units, rng)
        self.narrow = Dense(units, channels, rng)
        self.dropout = Dropout(drop_rate, randomness)

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, T)."""
        wide, narrow = self.wide, self.narrow
        mask = self.dropout.mask((x.shape[0], wide.b.size, x.shape[2]), x)
        y, cache = feedforward_forward(x, wide.W, wide.b, narrow.W, narrow.b, mask)
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, C, T) -> dx (B, C, T); adds to the gradients of both dense layers."""
        dx, dW1, db1, dW2, db2 = feedforward_backward(dy, self.take())
        self.wide.accumulate(W=dW1, b=db1)
        self.narrow.accumulate(W=dW2, b=db2)
        return dx
