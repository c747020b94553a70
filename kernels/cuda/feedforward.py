"""Launches feedforward_fused.cu, or for layers too wide for it feedforward.cu and conv1d.cu: twin of
minieqt/layers/feedforward.py.
"""

from __future__ import annotations

from typing import Any

from .conv1d import conv1d_backward, conv1d_forward, conv1d_weight_gradient
from .correlate import correlate, prepare
from .feedforward_fused import fits, fused_backward, fused_forward
from .launch import contiguous, empty
from .layout import BACKWARD, FORWARD, Convolution

Array = Any


def feedforward_forward(
    x: Array, W1: Array, b1: Array, W2: Array, b2: Array, mask: Array | None = None
) -> tuple[Array, Any]:
    """x (B, C, T), W1 (F, C), b1 (F), W2 (C, F), b2 (C), mask (B, F, T) or None -> y (B, C, T), cache."""
    x, (B, C, T), F = contiguous(x), x.shape, b1.size
    W1, W2, mask = contiguous(W1), contiguous(W2), mask if mask is None else contiguous(mask)
    if fits(C, F):
        return fused_forward(x, W1, b1, W2, b2, mask), (x, W1, b1, W2, mask, None)
    a = empty(x, (B, F, T))
    (wide,) = prepare(Convolution(W1[:, :, None], FORWARD, C, F, 1, T))
    correlate("feedforward.cu", "wide_forward", wide, (x, b1, mask, a, C, F, T), B)
    y, _ = conv1d_forward(a, W2[:, :, None], b2)
    return y, (x, W1, b1, W2, mask, a)


def feedforward_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dW1 (F, C), db1 (F), dW2 (C, F), db2 (C)."""
    x, W1, b1, W2, mask, a = cache
    dy, (B, C, T), F = contiguous(dy), x.shape, b1.size
    if a is None:
        return fused_backward(dy, x, W1, b1, W2, mask)
    dW2, db2 = conv1d_weight_gradient(dy, a, 1)
    da = empty(a, a.shape)
    of_narrow, of_wide = (
        Convolution(W2[:, :, None], BACKWARD, C, F, 1, T),
        Convolution(W1[:, :, None], BACKWARD, F, C, 1, T),
    )
    narrow, wide = prepare(of_narrow, of_wide)
    correlate("feedforward.cu", "wide_gradient", narrow, (dy, mask, a, da, C, F, T), B)
    dx, dW1, db1 = conv1d_backward(da, (x, wide))
    return dx, dW1[:, :, 0], db1, dW2[:, :, 0], db2
