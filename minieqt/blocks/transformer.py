"""The transformer: every step attends to every step.

u = layernorm(x + attention(x)),        y = layernorm(u + feedforward(u))        (B, C, T) -> (B, C, T)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.layer import Layer
from minieqt.layers.attention import EPS, Attention
from minieqt.layers.feedforward import FeedForward
from minieqt.layers.layernorm import LayerNorm
from minieqt.philox import Randomness

Array = Any

FEEDFORWARD_UNITS = 128


class Transformer(Layer):
    """Global additive attention and a feed-forward part, each added to its input and normalised."""

    def __init__(
        self,
        channels: int,
        rng: np.random.Generator,
        randomness: Randomness,
        drop_rate: float,
        attention_eps: float = EPS,
    ):
        super().__init__()
        self.attention = Attention(channels, rng, eps=attention_eps)
        self.norm1 = LayerNorm(channels)
        self.feedforward = FeedForward(channels, FEEDFORWARD_UNITS, rng, randomness, drop_rate)
        self.norm2 = LayerNorm(channels)

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, T)."""
        u = self.norm1.forward(x + self.attention.forward(x))
        return self.norm2.forward(u + self.feedforward.forward(u))

    def backward(self, dy: Array) -> Array:
        """dy (B, C, T) -> dx (B, C, T): the gradient of each sum goes to both of its terms."""
        dsum = self.norm2.backward(dy)
        du = dsum + self.feedforward.backward(dsum)
        dsum = self.norm1.backward(du)
        return dsum + self.attention.backward(dsum)
