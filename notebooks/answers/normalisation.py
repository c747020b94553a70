"""Worked answers of chapter 04."""

from __future__ import annotations

import numpy as np


def evaluation_backward(dy, gamma, variance, eps=1e-3):
    return (gamma / np.sqrt(variance + eps))[:, None] * dy


def fold(W, b, gamma, beta, mean, variance, eps=1e-3):
    scale = gamma / np.sqrt(variance + eps)
    return W * scale, b + W @ (beta - scale * mean)


def followed_mean(batch_means, momentum=0.99):
    running = 0.0
    for mean in batch_means:
        running += (1 - momentum) * (mean - running)
    return running


def dropped_mean_and_variance(x, q):
    return x, x**2 * q / (1 - q)
