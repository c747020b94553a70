"""The BiLSTM blocks: read the sequence both ways, then fold the two readings into 16 channels.

    block      y = batchnorm(conv1(bilstm(x)))        (B, C, T) -> (B, 2·16, T) -> (B, 16, T)

The convolution of kernel 1 is the paper's "network in network" (Lin et al. 2013).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.layer import Layer
from minieqt.layers.batchnorm import BatchNorm
from minieqt.layers.conv1d import Conv1D
from minieqt.layers.lstm import BiLSTM as BiLSTMLayer
from minieqt.philox import Randomness

Array = Any

UNITS = 16


class BiLSTMBlock(Layer):
    """BiLSTM, convolution of kernel 1, batch normalisation: (B, C, T) -> (B, 16, T)."""

    def __init__(self, channels: int, rng: np.random.Generator, randomness: Randomness, drop_rate: float, gate: str):
        super().__init__()
        self.lstm = BiLSTMLayer(channels, UNITS, rng, randomness, drop_rate, gate)
        self.conv = Conv1D(2 * UNITS, UNITS, 1, rng)
        self.norm = BatchNorm(UNITS)

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, 16, T)."""
        return self.norm.forward(self.conv.forward(self.lstm.forward(x)))

    def backward(self, dy: Array) -> Array:
        """dy (B, 16, T) -> dx (B, C, T)."""
        return self.lstm.backward(self.conv.backward(self.norm.backward(dy)))


class BiLSTM(Layer):
    """`blocks` BiLSTM blocks, one after the other: (B, 64, T) -> (B, 16, T)."""

    def __init__(
        self,
        channels: int,
        blocks: int,
        rng: np.random.Generator,
        randomness: Randomness,
        drop_rate: float,
        gate: str,
    ):
        super().__init__()
        widths = [channels] + [UNITS] * (blocks - 1)
        self.blocks = [BiLSTMBlock(width, rng, randomness, drop_rate, gate) for width in widths]

    def forward(self, x: Array) -> Array:
        """x (B, 64, T) -> (B, 16, T)."""
        for block in self.blocks:
            x = block.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """dy (B, 16, T) -> dx (B, 64, T)."""
        for block in reversed(self.blocks):
            dy = block.backward(dy)
        return dy
