"""Upsampling by repetition, and cropping: the way back from 47 samples to 6000.

upsample   y[n, c, 2t] = y[n, c, 2t + 1] = x[n, c, t]        (B, C, T) -> (B, C, 2T)
crop       y[n, c, t] = x[n, c, t + left]                    (B, C, T) -> (B, C, T - left - right)
"""

from __future__ import annotations

from typing import Any

from minieqt.backend import array_module
from minieqt.layer import Layer

Array = Any


def upsample1d_forward(x: Array) -> Array:
    """x (B, C, T) -> y (B, C, 2T). Nothing to keep for backward."""
    return array_module(x).repeat(x, 2, axis=2)


def upsample1d_backward(dy: Array) -> Array:
    """dy (B, C, 2T) -> dx (B, C, T): both copies' gradients add up."""
    return dy[:, :, 0::2] + dy[:, :, 1::2]


def crop1d_forward(x: Array, crop: tuple[int, int]) -> Array:
    """x (B, C, T), crop = samples to drop on the (left, right) -> y (B, C, T - left - right)."""
    left, right = crop
    return x[:, :, left : x.shape[2] - right]


def crop1d_backward(dy: Array, crop: tuple[int, int]) -> Array:
    """dy (B, C, T - left - right) -> dx (B, C, T): what was dropped has no gradient."""
    return array_module(dy).pad(dy, ((0, 0), (0, 0), crop))


class UpSample1D(Layer):
    """Repeat every sample: (B, C, T) -> (B, C, 2T)."""

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, 2T)."""
        return upsample1d_forward(x)

    def backward(self, dy: Array) -> Array:
        """dy (B, C, 2T) -> dx (B, C, T)."""
        return upsample1d_backward(dy)


class Crop1D(Layer):
    """Drop `left` samples at the start and `right` at the end."""

    def __init__(self, left: int, right: int):
        super().__init__()
        self.crop = (left, right)

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, T - left - right)."""
        return crop1d_forward(x, self.crop)

    def backward(self, dy: Array) -> Array:
        """dy (B, C, T - left - right) -> dx (B, C, T)."""
        return crop1d_backward(dy, self.crop)
