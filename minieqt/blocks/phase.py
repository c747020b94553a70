"""The branches of the two phases: one for P and one for S, each from the transformer's 16 channels.

    logits = decoder(attention(lstm(x)))        (B, 16, ⌈T / 128⌉) -> (B, T)

The attention is local, three steps wide, as an onset is, and not added to its input. (Detection has neither LSTM nor
attention, only a decoder.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.blocks.bilstm import UNITS
from minieqt.blocks.decoder import Decoder
from minieqt.layer import Layer
from minieqt.layers.attention import EPS, Attention
from minieqt.layers.lstm import LSTM
from minieqt.philox import Randomness

Array = Any

ATTENTION_WIDTH = 3


class PhaseBranch(Layer):
    """LSTM, local attention, decoder: (B, 16, ⌈T / 128⌉) -> logits (B, T)."""

    def __init__(
        self,
        length: int,
        rng: np.random.Generator,
        randomness: Randomness,
        drop_rate: float,
        gate: str,
        crop: str = "keras",
        attention_eps: float = EPS,
    ):
        super().__init__()
        self.lstm = LSTM(UNITS, UNITS, rng, randomness, drop_rate, gate)
        self.attention = Attention(UNITS, rng, width=ATTENTION_WIDTH, eps=attention_eps)
        self.decoder = Decoder(UNITS, length, rng, crop)

    def forward(self, x: Array) -> Array:
        """x (B, 16, ⌈T / 128⌉) -> logits (B, T)."""
        return self.decoder.forward(self.attention.forward(self.lstm.forward(x)))

    def backward(self, dlogits: Array) -> Array:
        """dlogits (B, T) -> dx (B, 16, ⌈T / 128⌉)."""
        return self.lstm.backward(self.attention.backward(self.decoder.backward(dlogits)))
