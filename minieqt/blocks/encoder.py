"""The encoder: seven stages, each of which halves the length: convolution, ReLU, max-pooling.

stage      y = pool(relu(conv(x)))        (B, C, T) -> (B, O, ⌈T / 2⌉)
encoder    (B, 3, 6000) -> (B, 64, 47)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import accelerated
from minieqt.layer import Layer
from minieqt.layers.activations import relu_backward, relu_forward
from minieqt.layers.conv1d import Conv1D, conv1d_backward, conv1d_forward
from minieqt.layers.pool import maxpool1d_backward, maxpool1d_forward

Array = Any

FILTERS = (8, 16, 16, 32, 32, 64, 64)
KERNELS = (11, 9, 7, 7, 5, 5, 3)
L2_KERNEL = 1e-6  # the published code's penalties on encoder and decoder kernels
L1_BIAS = 1e-4  # and on their biases


@accelerated
def encoder_stage_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, ⌈T / 2⌉), cache."""
    z, conv_cache = conv1d_forward(x, W, b)
    a = relu_forward(z)
    y, pool_cache = maxpool1d_forward(a)
    return y, (conv_cache, a, pool_cache)


@accelerated
def encoder_stage_backward(dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array | None, Array, Array]:
    """dy (B, O, ⌈T / 2⌉) -> dx (B, C, T), dW (O, C, K), db (O).

    dx is None without `need_dx`: training does not need the gradient with respect to the seismogram.
    """
    conv_cache, a, pool_cache = cache
    dx, dW, db = conv1d_backward(relu_backward(maxpool1d_backward(dy, pool_cache), a), conv_cache)
    return dx if need_dx else None, dW, db


@accelerated
def encoder_forward(x: Array, Ws: tuple[Array, ...], bs: tuple[Array, ...], keep: bool = True) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K) and b (O) of every stage -> y (B, O, ⌈T / 2^stages⌉), cache.

    Without `keep` there is no cache: no backward will follow.
    """
    caches = []
    for W, b in zip(Ws, bs, strict=True):
        x, cache = encoder_stage_forward(x, W, b)
        caches.append(cache if keep else None)
    return x, caches if keep else None


@accelerated
def encoder_backward(
    dy: Array, cache: Any, need_dx: bool = True
) -> tuple[Array | None, tuple[Array, ...], tuple[Array, ...]]:
    """dy like y -> dx (B, C, T), None without `need_dx`, dW (O, C, K) and db (O) of every stage."""
    pairs = []
    for stage in reversed(range(len(cache))):
        dy, *gradients = encoder_stage_backward(dy, cache[stage], need_dx or stage > 0)
        pairs.append(gradients)
    dWs, dbs = zip(*reversed(pairs), strict=True)
    return dy, dWs, dbs


class EncoderStage(Layer):
    """Convolution, ReLU, max-pooling: (B, C, T) -> (B, O, ⌈T / 2⌉)."""

    def __init__(self, channels: int, filters: int, kernel: int, rng: np.random.Generator):
        super().__init__()
        self.conv = Conv1D(channels, filters, kernel, rng, l2_kernel=L2_KERNEL, l1_bias=L1_BIAS)

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, O, ⌈T / 2⌉)."""
        y, cache = encoder_stage_forward(x, self.conv.W, self.conv.b)
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, O, ⌈T / 2⌉) -> dx (B, C, T); adds to the convolution's gradients."""
        dx, dW, db = encoder_stage_backward(dy, self.take())
        self.conv.accumulate(W=dW, b=db)
        return dx


class Encoder(Layer):
    """Seven stages: (B, 3, T) -> (B, 64, ⌈T / 128⌉)."""

    def __init__(self, rng: np.random.Generator):
        super().__init__()
        channels = (3,) + FILTERS[:-1]
        self.stages = [EncoderStage(*sizes, rng) for sizes in zip(channels, FILTERS, KERNELS, strict=True)]

    def forward(self, x: Array) -> Array:
        """x (B, 3, T) -> (B, 64, ⌈T / 128⌉)."""
        convs = [stage.conv for stage in self.stages]
        y, cache = encoder_forward(
            x, tuple(conv.W for conv in convs), tuple(conv.b for conv in convs), keep=self.training
        )
        self.keep(cache)
        return y

    def step_by_step(self, x: Array) -> Array:
        """The same as `forward`, stage after stage."""
        for stage in self.stages:
            x = stage.forward(x)
        return x

    def backward(self, dy: Array, need_dx: bool = True) -> Array | None:
        """dy (B, 64, ⌈T / 128⌉) -> dx (B, 3, T), None without `need_dx`; adds to the gradients of all stages."""
        dx, dWs, dbs = encoder_backward(dy, self.take(), need_dx)
        for stage, dW, db in zip(self.stages, dWs, dbs, strict=True):
            stage.conv.accumulate(W=dW, b=db)
        return dx
