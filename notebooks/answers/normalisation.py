"""Worked answers of chapter 04."""

from __future__ import annotations

import numpy as np


def norm_slopes(dy, gamma, x_hat, inverse_std):
    g = gamma[:, None] * dy
    mean_g = g.mean(axis=(0, 2), keepdims=True)
    mean_gx = (g * x_hat).mean(axis=(0, 2), keepdims=True)
    dx = (g - mean_g - x_hat * mean_gx) * inverse_std[:, None]
    return dx


def centred_slopes(dy, x, gamma, eps=1e-3):
    centred = x - x.mean(axis=(0, 2), keepdims=True)
    sigma = np.sqrt((centred**2).mean(axis=(0, 2), keepdims=True) + eps)
    g = gamma[:, None] * dy
    mean_g = g.mean(axis=(0, 2), keepdims=True)
    mean_gx = (g * centred).mean(axis=(0, 2), keepdims=True)
    return (g - mean_g - centred * mean_gx / sigma**2) / sigma  # without / sigma**2 it is right for variance 1 only


def slopes_of_steps(dy, gamma, x_hat, sigma):
    g = gamma[:, None] * dy
    dx = (g - g.mean(axis=1, keepdims=True) - x_hat * (g * x_hat).mean(axis=1, keepdims=True)) / sigma
    dgamma, dbeta = (dy * x_hat).sum(axis=(0, 2)), dy.sum(axis=(0, 2))
    return dx, dgamma, dbeta


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
