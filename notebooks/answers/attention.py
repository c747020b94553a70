"""Worked answers of chapter 07."""

from __future__ import annotations

import numpy as np

from minieqt.layers.attention import Attention


def score_slopes(da, a, e, through_maximum=True):
    de = (da - (da * a).sum(axis=2, keepdims=True)) * a
    if through_maximum:
        window, row = np.arange(len(e))[:, None], np.arange(e.shape[1])
        de[window, row, e.argmax(axis=2)] -= de.sum(axis=2)
    return de


def attend_slopes(dy, x, Wt, Wx, Wa, h, e, a):
    de = score_slopes(dy.transpose(0, 2, 1) @ x, a, e)
    dz = de[..., None] * Wa[:, 0] * (1 - h**2)
    looking, looked_at = dz.sum(axis=2), dz.sum(axis=1)  # (B, T, U)
    dWt, dWx = (np.einsum("bct,btu->cu", x, d) for d in (looking, looked_at))
    dWa = np.einsum("bijk,bij->k", h, de)[:, None]
    averaged = dy @ a  # y = x aᵀ, so x gets dy a: a itself, not its transpose
    dx = averaged + Wt @ looking.transpose(0, 2, 1) + Wx @ looked_at.transpose(0, 2, 1)
    return dx, dWt, dWx, looking.sum(axis=(0, 1)), dWa, de.sum()


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
