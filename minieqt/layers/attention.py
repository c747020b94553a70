"""Additive attention (Bahdanau et al. 2015), global or local, as keras-self-attention computes it.

    h[t, t'] = tanh(x_t Wt + x_t' Wx + bh)                          (U)
    e[t, t'] = h[t, t'] · Wa + ba
    w[t, t'] = exp(e[t, t'] - max_t' e[t, t']) band[t, t']
    a[t, t'] = w[t, t'] / (Σ_t' w[t, t'] + 1e-7)
    y_t = Σ_t' a[t, t'] x_t'

x (B, C, T) -> y (B, C, T), a (B, T, T). Wt, Wx (C, U); bh (U); Wa (U, 1); ba (1). Local attention of width A keeps
t - A//2 ≤ t' < t - A//2 + A; global attention keeps everything. This is not a plain softmax: the maximum is taken
over the whole row before the band is cut, and 1e-7 is added to the sum, so that the maximum does not cancel. Its
gradient has a path through the maximum, which matters where all of a band lies far below its row's largest e.
SeisBench's own networks have `eps` = 1e-5 instead of 1e-7.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import accelerated, array_module
from minieqt.initialise import xavier_normal
from minieqt.layer import Layer

Array = Any

EPS = 1e-7


def attention_band(T: int, width: int | None, xp: Any = np) -> Array:
    """(T, T) of True where step t attends to step t'; width None: to every step."""
    if width is None:
        return xp.ones((T, T), bool)
    offset = xp.arange(T)[None, :] - xp.arange(T)[:, None] + width // 2
    return (offset >= 0) & (offset < width)


@accelerated
def attention_forward(
    x: Array, Wt: Array, Wx: Array, bh: Array, Wa: Array, ba: Array, width: int | None = None, eps: float = EPS
) -> tuple[Array, Array, Any]:
    """The equations above: x (B, C, T) -> y (B, C, T), weights a (B, T, T), cache."""
    xp = array_module(x)
    steps = x.transpose(0, 2, 1)  # (B, T, C)
    h = xp.tanh((steps @ Wt)[:, :, None, :] + (steps @ Wx)[:, None, :, :] + bh)  # (B, T, T, U)
    e = (h @ Wa)[..., 0] + ba
    w = xp.exp(e - e.max(axis=2, keepdims=True)) * attention_band(x.shape[2], width, xp)
    a = w / (w.sum(axis=2, keepdims=True) + eps)
    return x @ a.transpose(0, 2, 1), a, (x, Wt, Wx, Wa, h, e, a)


@accelerated
def attention_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dWt, dWx (C, U), dbh (U), dWa (U, 1), dba (1).

        dw = (da - Σ_t' da a) / (Σ_t' w + 1e-7),      de = dw w,      and the row's maximum loses what they gain:
        de[t, argmax] -= Σ_t' dw w
    w = a (Σ w + 1e-7) is zero outside the band, so nothing outside it gets a gradient but the maximum.
    """
    x, Wt, Wx, Wa, h, e, a = cache
    xp = array_module(dy)
    B, C, T = x.shape
    da = dy.transpose(0, 2, 1) @ x
    de = (da - (da * a).sum(axis=2, keepdims=True)) * a
    through_maximum = de.sum(axis=2)
    batch, row = xp.arange(B)[:, None], xp.arange(T)[None, :]
    de[batch, row, e.argmax(axis=2)] -= through_maximum

    dz = de[..., None] * Wa[:, 0] * (1 - h * h)  # (B, T, T, U)
    dz_t, dz_x = dz.sum(axis=2), dz.sum(axis=1)  # (B, T, U): of the attending step t, of the step t' attended to
    steps = x.transpose(0, 2, 1).reshape(B * T, C)
    dWt = steps.T @ dz_t.reshape(B * T, -1)
    dWx = steps.T @ dz_x.reshape(B * T, -1)
    dWa = (h.reshape(B * T * T, -1).T @ de.reshape(-1))[:, None]
    dx = dy @ a + Wt @ dz_t.transpose(0, 2, 1) + Wx @ dz_x.transpose(0, 2, 1)
    return dx, dWt, dWx, dz_t.sum(axis=(0, 1)), dWa, de.sum().reshape(1)


class Attention(Layer):
    """Additive self-attention with `units` hidden units; `weights` (B, T, T) of the last forward are kept."""

    Wt: Array
    dWt: Array
    Wx: Array
    dWx: Array
    bh: Array
    dbh: Array
    Wa: Array
    dWa: Array
    ba: Array
    dba: Array

    def __init__(
        self,
        channels: int,
        rng: np.random.Generator,
        units: int = 32,
        width: int | None = None,
        eps: float = EPS,
    ):
        super().__init__()
        self.width, self.eps = width, eps
        self.weights: Array = None
        self.add_parameter("Wt", xavier_normal(rng, (channels, units), channels, units))
        self.add_parameter("Wx", xavier_normal(rng, (channels, units), channels, units))
        self.add_parameter("bh", np.zeros(units))
        self.add_parameter("Wa", xavier_normal(rng, (units, 1), units, 1))
        self.add_parameter("ba", np.zeros(1))

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> (B, C, T)."""
        y, self.weights, cache = attention_forward(x, self.Wt, self.Wx, self.bh, self.Wa, self.ba, self.width, self.eps)
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, C, T) -> dx (B, C, T); adds to the five parameters' gradients."""
        dx, dWt, dWx, dbh, dWa, dba = attention_backward(dy, self.take())
        self.accumulate(Wt=dWt, Wx=dWx, bh=dbh, Wa=dWa, ba=dba)
        return dx
