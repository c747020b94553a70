"""Twin of minieqt/layers/feedforward.py: a chain of two convolutions of kernel 1, the first with its ReLU.

With dropout between them they are two chains.
"""

from __future__ import annotations

from typing import Any

from .conv.backward import chain_backward
from .conv.epilogue import PLAIN, RELU
from .conv.forward import chain_forward

Array = Any


def feedforward_forward(
    x: Array, W1: Array, b1: Array, W2: Array, b2: Array, mask: Array | None = None
) -> tuple[Array, Any]:
    """x (B, C, T), W1 (F, C), b1 (F), W2 (C, F), b2 (C), mask (B, F, T) or None -> y (B, C, T), cache."""
    wide, narrow, T = W1[:, :, None], W2[:, :, None], x.shape[2]
    if mask is None:
        y, kept = chain_forward((RELU, PLAIN), x, (wide, narrow), (b1, b2), (T, T))
        return y, (kept, None, mask)
    a, wide_kept = chain_forward((RELU,), x, (wide,), (b1,), (T,))
    y, narrow_kept = chain_forward((PLAIN,), a * mask, (narrow,), (b2,), (T,))
    return y, (wide_kept, narrow_kept, mask)


def feedforward_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dW1 (F, C), db1 (F), dW2 (C, F), db2 (C)."""
    kept, narrow_kept, mask = cache
    if mask is None:
        dx, (dW1, dW2), (db1, db2) = chain_backward(dy, kept)
    else:
        da, (dW2,), (db2,) = chain_backward(dy, narrow_kept)
        dx, (dW1,), (db1,) = chain_backward(da * mask, kept)
    return dx, dW1[:, :, 0], db1, dW2[:, :, 0], db2
