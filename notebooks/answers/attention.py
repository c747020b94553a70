"""Worked answers of chapter 07."""

from __future__ import annotations

import numpy as np

from minieqt.layers.attention import Attention


def softmax_backward(da, a):
    return a * (da - (da * a).sum(axis=-1, keepdims=True))


def row_sum(e, keep):
    w = np.exp(e - e.max()) * keep
    return w.sum() / (w.sum() + 1e-7)


def tanh_of_pairs(u, v):
    E, F = np.exp(2 * u), np.exp(2 * v)
    return 1 - 2 / (E[:, None] * F[None] + 1)


def knows_order(width):
    rng = np.random.default_rng(0)
    layer, x, order = Attention(3, rng, width=width), rng.standard_normal((1, 3, 6)), [5, 1, 2, 3, 4, 0]
    return not np.allclose(layer.forward(x[:, :, order]), layer.forward(x)[:, :, order])
