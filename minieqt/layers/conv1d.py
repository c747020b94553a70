"""Convolution over time, 'same' length, stride one.

    y[n, o, t] = b[o] + Σ_c Σ_k W[o, c, k] x[n, c, t + k - left],      left = (K - 1) // 2

x (B, C, T), W (O, C, K), b (O) -> y (B, O, T); x is zero outside 0 ≤ t < T. As in TensorFlow's 'same', an even
kernel reads one sample more to the right. For one tap k the sum over c is a matrix product W[:, :, k] @ x shifted
by k, so a convolution is K products added up, without ever writing the K-fold copy of x that im2col makes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import accelerated, array_module
from minieqt.initialise import xavier_normal
from minieqt.layer import Layer

Array = Any


def pad_same(x: Array, K: int) -> Array:
    """x (B, C, T) -> (B, C, T + K - 1): zeros on either side, one more on the right if K is even."""
    left = (K - 1) // 2
    return array_module(x).pad(x, ((0, 0), (0, 0), (left, K - 1 - left)))


@accelerated
def conv1d_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """The equation above: x (B, C, T), W (O, C, K), b (O) -> y (B, O, T), cache."""
    T, K = x.shape[2], W.shape[2]
    x_padded = pad_same(x, K)
    y = W[:, :, 0] @ x_padded[:, :, :T]
    for k in range(1, K):
        y += W[:, :, k] @ x_padded[:, :, k : k + T]
    y += b[:, None]
    return y, (x, W)


@accelerated
def conv1d_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dW (O, C, K), db (O).

    dx[n, c, t] = Σ_o Σ_k W[o, c, k] dy[n, o, t - k + left]
    dW[o, c, k] = Σ_n Σ_t dy[n, o, t] x[n, c, t + k - left],      db[o] = Σ_n Σ_t dy[n, o, t]
    """
    x, W = cache
    xp = array_module(x)
    T, K = x.shape[2], W.shape[2]
    left = (K - 1) // 2
    x_padded = pad_same(x, K)
    dx_padded = xp.zeros_like(x_padded)
    dW = xp.empty_like(W)
    for k in range(K):
        dW[:, :, k] = (dy @ x_padded[:, :, k : k + T].transpose(0, 2, 1)).sum(axis=0)
        dx_padded[:, :, k : k + T] += W[:, :, k].T @ dy
    return dx_padded[:, :, left : left + T], dW, dy.sum(axis=(0, 2))


class Conv1D(Layer):
    """`filters` kernels of `kernel` samples over `channels` channels; optional L2 on W and L1 on b."""

    W: Array
    dW: Array
    b: Array
    db: Array

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: int,
        rng: np.random.Generator,
        l2_kernel: float = 0.0,
        l1_bias: float = 0.0,
    ):
        super().__init__()
        W = xavier_normal(rng, (filters, channels, kernel), channels * kernel, filters * kernel)
        self.add_parameter("W", W, l2=l2_kernel)
        self.add_parameter("b", np.zeros(filters), l1=l1_bias)

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, O, T)."""
        y, cache = conv1d_forward(x, self.W, self.b)
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, O, T) -> dx (B, C, T); adds to dW and db."""
        dx, dW, db = conv1d_backward(dy, self.take())
        self.accumulate(W=dW, b=db)
        return dx
