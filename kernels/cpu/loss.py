"""Twin of minieqt/loss.py: cross-entropy from logits in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from .runtime.compile import compiled_parallel
from .simd.elementary import exp, log1p_unit, sigmoid

Array = Any


def cross_entropy_forward(z: Array, y: Array) -> float:
    """Logits z (B, T), labels y (B, T) in [0, 1] or below 0 -> mean loss. Rows are summed in float32, then float64."""
    sums = np.empty(z.shape[0], np.float32)
    row_losses(*contiguous(z, y), sums)
    return float(sums.sum(dtype="float64") / z.size)


def cross_entropy_backward(z: Array, y: Array, dloss: float) -> Array:
    """Logits z and labels y (B, T), the gradient `dloss` that arrives at the mean -> dz (B, T)."""
    dz = np.empty(z.shape, np.float32)
    logit_gradient(*contiguous(z, y), np.float32(dloss / z.size), dz)
    return dz


def contiguous(z: Array, y: Array) -> tuple[Array, Array]:
    """Both with time contiguous, which the compiler must know to vectorise over it: labels come as every third row."""
    return np.ascontiguousarray(z), np.ascontiguousarray(y)


def probabilities(z: Array) -> Array:
    """Logits z (B, T) -> probabilities (B, T)."""
    p = np.empty(z.shape, np.float32)
    sigmoids(np.ascontiguousarray(z), p)
    return p


@compiled_parallel
def sigmoids(z: Array, p: Array) -> None:
    """p = sigmoid(z), both (B, T)."""
    for n in prange(z.shape[0]):
        logits, into = z[n], p[n]
        for t in range(logits.size):
            into[t] = sigmoid(logits[t])


@compiled_parallel
def row_losses(z: Array, y: Array, sums: Array) -> None:
    """sums (B) = Σ_t max(z, 0) - z y + log(1 + e^-|z|) over the t with a label, y ≥ 0."""
    B, T = z.shape
    for n in prange(B):
        total, logits, labels = np.float32(0), z[n], y[n]
        for t in range(T):
            logit = logits[t]
            loss = max(logit, np.float32(0)) - logit * labels[t] + log1p_unit(exp(-abs(logit)))
            total += loss if labels[t] >= np.float32(0) else np.float32(0)
        sums[n] = total


@compiled_parallel
def logit_gradient(z: Array, y: Array, scale: np.float32, dz: Array) -> None:
    """dz = (sigmoid(z) - y) · scale, all (B, T); 0 where there is no label, y < 0."""
    B, T = z.shape
    for n in prange(B):
        logits, labels, into = z[n], y[n], dz[n]
        for t in range(T):
            slope = (sigmoid(logits[t]) - labels[t]) * scale
            into[t] = slope if labels[t] >= np.float32(0) else np.float32(0)
