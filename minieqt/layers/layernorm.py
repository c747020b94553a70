"""Layer normalisation (Ba et al. 2016): each time step to mean 0 and variance 1 over its channels.

    x̂[n, c, t] = (x[n, c, t] - μ[n, t]) / √(σ²[n, t] + eps),        y = γ[c] x̂ + β[c]

x (B, C, T); γ, β (C); μ, σ² (B, T), the biased variance. eps = 1e-14 as in the published network.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import accelerated, array_module
from minieqt.layer import Layer

Array = Any

EPS = 1e-14


@accelerated
def layernorm_forward(x: Array, gamma: Array, beta: Array) -> tuple[Array, Any]:
    """x (B, C, T), gamma beta (C) -> y (B, C, T), cache."""
    centred = x - x.mean(axis=1, keepdims=True)
    inverse_std = 1 / array_module(x).sqrt((centred * centred).mean(axis=1, keepdims=True) + EPS)
    x_hat = centred * inverse_std
    return gamma[:, None] * x_hat + beta[:, None], (x_hat, gamma, inverse_std)


@accelerated
def layernorm_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dgamma (C), dbeta (C).

    dx = (g - mean(g) - x̂ mean(g x̂)) / σ,       g = γ dy, means over channels
    """
    x_hat, gamma, inverse_std = cache
    g = gamma[:, None] * dy
    mean_g = g.mean(axis=1, keepdims=True)
    mean_gx = (g * x_hat).mean(axis=1, keepdims=True)
    return (g - mean_g - x_hat * mean_gx) * inverse_std, (dy * x_hat).sum(axis=(0, 2)), dy.sum(axis=(0, 2))


class LayerNorm(Layer):
    """Normalise each time step over `channels` channels."""

    gamma: Array
    dgamma: Array
    beta: Array
    dbeta: Array

    def __init__(self, channels: int):
        super().__init__()
        self.add_parameter("gamma", np.ones(channels))
        self.add_parameter("beta", np.zeros(channels))

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, T)."""
        y, cache = layernorm_forward(x, self.gamma, self.beta)
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, C, T) -> dx (B, C, T); adds to dgamma and dbeta."""
        dx, dgamma, dbeta = layernorm_backward(dy, self.take())
        self.accumulate(gamma=dgamma, beta=dbeta)
        return dx
