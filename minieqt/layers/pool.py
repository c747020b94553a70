"""Max-pooling over pairs of samples, 'same': an odd length is padded on the right with minus infinity.

    y[n, c, t] = max(x[n, c, 2t], x[n, c, 2t + 1])

x (B, C, T) -> y (B, C, ⌈T / 2⌉). The gradient goes to the larger of the two; to the first if they are equal.
"""

from __future__ import annotations

from typing import Any

from minieqt.backend import array_module
from minieqt.layer import Layer

Array = Any


def maxpool1d_forward(x: Array) -> tuple[Array, Any]:
    """x (B, C, T) -> y (B, C, ⌈T / 2⌉), cache."""
    xp = array_module(x)
    T = x.shape[2]
    if T % 2:
        x = xp.pad(x, ((0, 0), (0, 0), (0, 1)), constant_values=-xp.inf)
    first, second = x[:, :, 0::2], x[:, :, 1::2]
    return xp.maximum(first, second), (second > first, T)


def maxpool1d_backward(dy: Array, cache: Any) -> Array:
    """dy (B, C, ⌈T / 2⌉) -> dx (B, C, T)."""
    second_won, T = cache
    xp = array_module(dy)
    B, C, half = dy.shape
    dx = xp.empty((B, C, 2 * half), dy.dtype)
    dx[:, :, 0::2] = xp.where(second_won, 0, dy)
    dx[:, :, 1::2] = xp.where(second_won, dy, 0)
    return dx[:, :, :T]


class MaxPool1D(Layer):
    """Halve the length: (B, C, T) -> (B, C, ⌈T / 2⌉)."""

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, ⌈T / 2⌉)."""
        y, cache = maxpool1d_forward(x)
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, C, ⌈T / 2⌉) -> dx (B, C, T)."""
        return maxpool1d_backward(dy, self.take())
