"""The ResCNN: seven residual blocks over the encoder's 47 steps.

    half       y = conv(m · relu(batchnorm(x)))        m: spatial dropout, one number per sample and channel
    block      y = x + half2(half1(x))                 (B, 64, T) -> (B, 64, T)

Pre-activation residual blocks (He et al. 2016): the sum itself is left alone, so a gradient reaches every block
unchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import accelerated
from minieqt.layer import Layer
from minieqt.layers.activations import relu_backward, relu_forward
from minieqt.layers.batchnorm import BatchNorm, batchnorm_backward, batchnorm_forward
from minieqt.layers.conv1d import Conv1D, conv1d_backward, conv1d_forward
from minieqt.layers.dropout import SpatialDropout
from minieqt.philox import Randomness

Array = Any

KERNELS = (3, 3, 3, 3, 2, 3, 2)


@accelerated
def rescnn_half_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    mean: Array,
    variance: Array,
    W: Array,
    b: Array,
    mask: Array | None = None,
) -> tuple[Array, Any]:
    """x (B, C, T), gamma beta mean variance (C), W (O, C, K), b (O), mask (B, C, 1) -> y (B, O, T), cache."""
    normalised, norm_cache = batchnorm_forward(x, gamma, beta, mean, variance)
    a = relu_forward(normalised)
    y, conv_cache = conv1d_forward(a if mask is None else a * mask, W, b)
    return y, (norm_cache, a, mask, conv_cache)


@accelerated
def rescnn_half_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dgamma, dbeta (C), dW (O, C, K), db (O)."""
    norm_cache, a, mask, conv_cache = cache
    da, dW, db = conv1d_backward(dy, conv_cache)
    if mask is not None:
        da = da * mask
    dx, dgamma, dbeta = batchnorm_backward(relu_backward(da, a), norm_cache)
    return dx, dgamma, dbeta, dW, db


@accelerated
def rescnn_evaluated(x: Array, halves: tuple[tuple[Array | None, ...], ...]) -> Array:
    """All blocks in one call, as the statistics are known beforehand: x (B, C, T) -> y (B, C, T).

    halves: what `rescnn_half_forward` takes besides x, for each half of each block.
    """
    for first, second in zip(halves[0::2], halves[1::2], strict=True):
        y, _ = rescnn_half_forward(x, *first)
        x = x + rescnn_half_forward(y, *second)[0]
    return x


class ResCNNHalf(Layer):
    """Batch normalisation, ReLU, spatial dropout, convolution: (B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int, kernel: int, rng: np.random.Generator, randomness: Randomness, drop_rate: float):
        super().__init__()
        self.norm = BatchNorm(channels)
        self.dropout = SpatialDropout(drop_rate, randomness)
        self.conv = Conv1D(channels, channels, kernel, rng)

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, T)."""
        if self.norm.frozen and self.training:
            return self.layer_by_layer(x)
        y, cache = rescnn_half_forward(x, *self.arguments(x))
        self.keep(cache)
        return y

    def layer_by_layer(self, x: Array) -> Array:
        """The same, where the normalisation is frozen: its backward is not that of `rescnn_half_backward`."""
        mask = self.dropout.mask((*x.shape[:2], 1), x)
        a = relu_forward(self.norm.forward(x))
        self.keep((a, mask))
        return self.conv.forward(a if mask is None else a * mask)

    def arguments(self, x: Array) -> tuple[Array | None, ...]:
        """What `rescnn_half_forward` takes besides x (B, C, T)."""
        norm, conv = self.norm, self.conv
        mask = self.dropout.mask((*x.shape[:2], 1), x)
        return norm.gamma, norm.beta, *norm.statistics_for(x), conv.W, conv.b, mask

    def backward(self, dy: Array) -> Array:
        """dy (B, C, T) -> dx (B, C, T); adds to the gradients of norm and convolution."""
        if self.norm.frozen:
            a, mask = self.take()
            da = self.conv.backward(dy)
            return self.norm.backward(relu_backward(da if mask is None else da * mask, a))
        dx, dgamma, dbeta, dW, db = rescnn_half_backward(dy, self.take())
        self.conv.accumulate(W=dW, b=db)
        return self.norm.add_gradients(dx, dgamma, dbeta)


class ResCNNBlock(Layer):
    """x + two halves."""

    def __init__(self, channels: int, kernel: int, rng: np.random.Generator, randomness: Randomness, drop_rate: float):
        super().__init__()
        self.halves = [ResCNNHalf(channels, kernel, rng, randomness, drop_rate) for _ in range(2)]

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, T)."""
        first, second = self.halves
        return x + second.forward(first.forward(x))

    def backward(self, dy: Array) -> Array:
        """dy (B, C, T) -> dx (B, C, T): dy goes to both terms of the sum."""
        first, second = self.halves
        return dy + first.backward(second.backward(dy))


class ResCNN(Layer):
    """Seven residual blocks: (B, 64, T) -> (B, 64, T)."""

    def __init__(self, channels: int, rng: np.random.Generator, randomness: Randomness, drop_rate: float):
        super().__init__()
        self.blocks = [ResCNNBlock(channels, kernel, rng, randomness, drop_rate) for kernel in KERNELS]

    def forward(self, x: Array) -> Array:
        """x (B, 64, T) -> (B, 64, T)."""
        if not self.training:
            return rescnn_evaluated(x, tuple(half.arguments(x) for block in self.blocks for half in block.halves))
        return self.step_by_step(x)

    def step_by_step(self, x: Array) -> Array:
        """The same, block after block."""
        for block in self.blocks:
            x = block.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """dy (B, 64, T) -> dx (B, 64, T)."""
        for block in reversed(self.blocks):
            dy = block.backward(dy)
        return dy
