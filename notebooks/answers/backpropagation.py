"""Worked answers of chapter 01."""

from __future__ import annotations

import numpy as np


def dense_slopes(dy, x, W):
    dx = W.T @ dy
    dW = np.einsum("not,nct->oc", dy, x)
    return dx, dW, dy.sum(axis=(0, 2))


def tanh_layer_slopes(dy, x, W, b):
    y = np.tanh(W @ x + b[:, None])
    dz = dy * (1 - y**2)  # the slope of tanh in terms of its output, not of its input
    return dense_slopes(dz, x, W)


def softplus_backward(dy, y):
    return dy * (1 - np.exp(-y))


def scale_backward(dy, x, g):
    return dy * g[:, None], (dy * x).sum(axis=(0, 2))


def demean_backward(dy):
    return dy - dy.mean(axis=-1, keepdims=True)


def numerical_gradient(value, array, eps=1e-5):
    gradient = np.zeros_like(array)
    for i in np.ndindex(array.shape):
        kept = array[i]
        array[i] = kept + eps
        above = value()
        array[i] = kept - eps
        gradient[i] = (above - value()) / (2 * eps)
        array[i] = kept
    return gradient
