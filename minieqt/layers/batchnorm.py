"""Batch normalisation (Ioffe & Szegedy 2015): each channel to mean 0 and variance 1 over batch and time.

    x̂[n, c, t] = (x[n, c, t] - μ[c]) / √(σ²[c] + eps),        y = γ[c] x̂ + β[c]

x (B, C, T); γ, β, μ, σ² (C). In training μ and σ² are the batch's own; in evaluation the running ones, which
training moves by running ← 0.99 running + 0.01 batch. As in Keras σ² is the biased variance, in both places;
eps = 1e-3 and momentum = 0.99 are Keras's defaults, which the published network uses.

A frozen layer (training/freeze.py) takes the running statistics in training too, and leaves them where they are. Then
μ and σ² are constants, γ and β are not trained, and all that backward has to do is

    dx = dy · γ / √(σ² + eps)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import accelerated, array_module
from minieqt.layer import Layer

Array = Any

EPS = 1e-3
MOMENTUM = 0.99


@accelerated
def batch_statistics(x: Array) -> tuple[Array, Array]:
    """x (B, C, T) -> mean (C), biased variance (C)."""
    return x.mean(axis=(0, 2)), x.var(axis=(0, 2))


@accelerated
def batchnorm_forward(x: Array, gamma: Array, beta: Array, mean: Array, variance: Array) -> tuple[Array, Any]:
    """x (B, C, T), gamma beta mean variance (C) -> y (B, C, T), cache."""
    inverse_std = 1 / array_module(x).sqrt(variance + EPS)
    x_hat = (x - mean[:, None]) * inverse_std[:, None]
    return gamma[:, None] * x_hat + beta[:, None], (x_hat, gamma, inverse_std)


@accelerated
def batchnorm_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dgamma (C), dbeta (C); mean and variance are the batch's own.

    Because μ and σ² depend on every x, dx loses its mean and its projection on x̂:
        dx = γ / σ · (dy - mean(dy) - x̂ mean(dy x̂)),       means over batch and time
    """
    x_hat, gamma, inverse_std = cache
    count = dy.shape[0] * dy.shape[2]
    dgamma = (dy * x_hat).sum(axis=(0, 2))
    dbeta = dy.sum(axis=(0, 2))
    dx = (gamma * inverse_std)[:, None] * (dy - dbeta[:, None] / count - x_hat * (dgamma[:, None] / count))
    return dx, dgamma, dbeta


def frozen_batchnorm_backward(dy: Array, gamma: Array, variance: Array) -> Array:
    """dy (B, C, T), gamma, running variance (C) -> dx (B, C, T)."""
    return dy * (gamma / array_module(dy).sqrt(variance + EPS))[:, None]


class BatchNorm(Layer):
    """Normalise `channels` channels over batch and time.

    `frozen`: with the running statistics, in training too; its parameters get no gradient.
    """

    gamma: Array
    dgamma: Array
    beta: Array
    dbeta: Array
    mean: Array
    variance: Array

    def __init__(self, channels: int):
        super().__init__()
        self.frozen = False
        self.add_parameter("gamma", np.ones(channels))
        self.add_parameter("beta", np.zeros(channels))
        self.add_statistic("mean", np.zeros(channels))
        self.add_statistic("variance", np.ones(channels))

    def of_batch(self, x: Array) -> tuple[Array, Array]:
        """The batch's mean and variance (C); x (B, C, T) is the whole batch (in SyncBatchNorm, a rank's part)."""
        return batch_statistics(x)

    def statistics_for(self, x: Array) -> tuple[Array, Array]:
        """The mean and variance (C) to normalise x (B, C, T) with; in training they move the running ones too."""
        if self.frozen or not self.training:
            return self.mean, self.variance
        mean, variance = self.of_batch(x)
        self.move(1 - MOMENTUM, mean=mean, variance=variance)
        return mean, variance

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, T)."""
        y, cache = batchnorm_forward(x, self.gamma, self.beta, *self.statistics_for(x))
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, C, T) -> dx (B, C, T); adds to dgamma and dbeta unless frozen."""
        cache = self.take()
        if self.frozen:
            return frozen_batchnorm_backward(dy, self.gamma, self.variance)
        return self.add_gradients(*batchnorm_backward(dy, cache))

    def add_gradients(self, dx: Array, dgamma: Array, dbeta: Array) -> Array:
        """Add to dgamma and dbeta (C) what backward found; returns dx (B, C, T)."""
        self.accumulate(gamma=dgamma, beta=dbeta)
        return dx
