"""Twin of minieqt/layers/conv1d.py: a chain of one convolution."""

from __future__ import annotations

from typing import Any

from .conv.backward import chain_backward
from .conv.epilogue import PLAIN
from .conv.forward import chain_forward

Array = Any


def conv1d_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, T), cache."""
    return chain_forward((PLAIN,), x, (W,), (b,), x.shape[2:])


def conv1d_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dW (O, C, K), db (O)."""
    dx, (dW,), (db,) = chain_backward(dy, cache)
    return dx, dW, db
