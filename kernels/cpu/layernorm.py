"""Twin of minieqt/layers/layernorm.py: the channels of a time step are summed row by row, so time stays contiguous."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from .conv.rows import GROUPS
from .runtime.compile import compiled, compiled_parallel

Array = Any

EPS = np.float32(1e-14)


def layernorm_forward(x: Array, gamma: Array, beta: Array) -> tuple[Array, Any]:
    """x (B, C, T), gamma beta (C) -> y (B, C, T), cache."""
    x = np.ascontiguousarray(x)
    y, x_hat, inverse_std = np.empty_like(x), np.empty_like(x), np.empty((x.shape[0], x.shape[2]), np.float32)
    normalise(x, gamma, beta, y, x_hat, inverse_std)
    return y, (x_hat, gamma, inverse_std)


def layernorm_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dgamma (C), dbeta (C)."""
    x_hat, gamma, inverse_std = cache
    dx, groups = np.empty_like(x_hat), min(GROUPS, x_hat.shape[0])
    dgamma, dbeta = np.zeros((groups, gamma.size), np.float32), np.zeros((groups, gamma.size), np.float32)
    normalise_backward(np.ascontiguousarray(dy), x_hat, gamma, inverse_std, dx, dgamma, dbeta)
    return dx, dgamma.sum(axis=0), dbeta.sum(axis=0)


@compiled
def normalise_one(x: Array, gamma: Array, beta: Array, y: Array, x_hat: Array, scale: Array) -> None:
    """One window: x (C, T); fills y and x_hat (C, T) and scale = 1 / σ (T)."""
    C, T = x.shape
    mean = np.zeros(T, np.float32)
    scale[:] = 0
    for c in range(C):
        row = x[c]
        for t in range(T):
            mean[t] += row[t] / np.float32(C)
    for c in range(C):
        row = x[c]
        for t in range(T):
            scale[t] += (row[t] - mean[t]) * (row[t] - mean[t])
    for t in range(T):
        scale[t] = np.float32(1) / np.sqrt(scale[t] / np.float32(C) + EPS)
    for c in range(C):
        row, hat, into = x[c], x_hat[c], y[c]
        for t in range(T):
            hat[t] = (row[t] - mean[t]) * scale[t]
            into[t] = gamma[c] * hat[t] + beta[c]


@compiled_parallel
def normalise(x: Array, gamma: Array, beta: Array, y: Array, x_hat: Array, inverse_std: Array) -> None:
    """`normalise_one` for each of B windows: y and x_hat (B, C, T), inverse_std (B, T)."""
    for n in prange(x.shape[0]):
        normalise_one(x[n], gamma, beta, y[n], x_hat[n], inverse_std[n])


@compiled
def normalise_one_backward(
    dy: Array, x_hat: Array, gamma: Array, scale: Array, dx: Array, dgamma: Array, dbeta: Array
) -> None:
    """One window: dy, x_hat (C, T), scale (T); fills dx (C, T), adds to dgamma and dbeta (C)."""
    C, T = x_hat.shape
    mean_g, mean_gx = np.zeros(T, np.float32), np.zeros(T, np.float32)
    for c in range(C):
        arriving, hat, weight = dy[c], x_hat[c], gamma[c] / np.float32(C)
        sum_dy, sum_dy_x = np.float32(0), np.float32(0)
        for t in range(T):
            sum_dy += arriving[t]
            sum_dy_x += arriving[t] * hat[t]
            mean_g[t] += weight * arriving[t]
            mean_gx[t] += weight * arriving[t] * hat[t]
        dbeta[c] += sum_dy
        dgamma[c] += sum_dy_x
    for c in range(C):
        arriving, hat, into = dy[c], x_hat[c], dx[c]
        for t in range(T):
            into[t] = (gamma[c] * arriving[t] - mean_g[t] - hat[t] * mean_gx[t]) * scale[t]


@compiled_parallel
def normalise_backward(
    dy: Array, x_hat: Array, gamma: Array, inverse_std: Array, dx: Array, dgamma: Array, dbeta: Array
) -> None:
    """`normalise_one_backward` for each of B windows; dgamma and dbeta (groups, C) are summed group by group."""
    B, groups = x_hat.shape[0], dgamma.shape[0]
    for group in prange(groups):
        for n in range(group * B // groups, (group + 1) * B // groups):
            normalise_one_backward(dy[n], x_hat[n], gamma, inverse_std[n], dx[n], dgamma[group], dbeta[group])
