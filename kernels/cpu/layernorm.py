"""Twin of minieqt/layers/layernorm.py: the channels of a time step are summed row by row, so time stays contiguous."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from kernels.cpu.strip import GROUPS, compiled_parallel

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
    dx = np.empty_like(x_hat)
    dgamma, dbeta = normalise_backward(np.ascontiguousarray(dy), x_hat, gamma, inverse_std, dx)
    return dx, dgamma, dbeta


@compiled_parallel
def normalise(x: Array, gamma: Array, beta: Array, y: Array, x_hat: Array, inverse_std: Array) -> None:
    """Fills y and x_hat (B, C, T), inverse_std (B, T)."""
    B, C, T = x.shape
    for n in prange(B):
        mean, scale = np.zeros(T, np.float32), inverse_std[n]
        scale[:] = 0
        for c in range(C):
            row = x[n, c]
            for t in range(T):
                mean[t] += row[t]
        for t in range(T):
            mean[t] /= np.float32(C)
        for c in range(C):
            row = x[n, c]
            for t in range(T):
                scale[t] += (row[t] - mean[t]) * (row[t] - mean[t])
        for t in range(T):
            scale[t] = np.float32(1) / np.sqrt(scale[t] / np.float32(C) + EPS)
        for c in range(C):
            row, hat, into = x[n, c], x_hat[n, c], y[n, c]
            for t in range(T):
                hat[t] = (row[t] - mean[t]) * scale[t]
                into[t] = gamma[c] * hat[t] + beta[c]


@compiled_parallel
def normalise_backward(dy: Array, x_hat: Array, gamma: Array, inverse_std: Array, dx: Array) -> tuple[Array, Array]:
    """Fills dx (B, C, T); returns dgamma and dbeta (C), summed group by group."""
    B, C, T = x_hat.shape
    groups = min(GROUPS, B)
    dgamma, dbeta = np.zeros((groups, C), np.float32), np.zeros((groups, C), np.float32)
    for group in prange(groups):
        mean_g, mean_gx = np.empty(T, np.float32), np.empty(T, np.float32)
        for n in range(group * B // groups, (group + 1) * B // groups):
            mean_g[:], mean_gx[:] = 0, 0
            for c in range(C):
                arriving, hat = dy[n, c], x_hat[n, c]
                sum_dy, sum_dy_x = np.float32(0), np.float32(0)
                for t in range(T):
                    sum_dy += arriving[t]
                    sum_dy_x += arriving[t] * hat[t]
                    mean_g[t] += gamma[c] * arriving[t] / np.float32(C)
                    mean_gx[t] += gamma[c] * arriving[t] * hat[t] / np.float32(C)
                dbeta[group, c] += sum_dy
                dgamma[group, c] += sum_dy_x
            for c in range(C):
                arriving, hat, into, scale = dy[n, c], x_hat[n, c], dx[n, c], inverse_std[n]
                for t in range(T):
                    into[t] = (gamma[c] * arriving[t] - mean_g[t] - hat[t] * mean_gx[t]) * scale[t]
    return dgamma.sum(axis=0), dbeta.sum(axis=0)
