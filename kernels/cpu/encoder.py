"""Twin of minieqt/blocks/encoder.py: convolution, ReLU and pooling in one pass, all stages in a chain.

A convolution's full-length output is never written. For backward one byte is kept for each pooled sample, its switch:
which of the two samples it came from, or that ReLU made it zero.
"""

from __future__ import annotations

from typing import Any

from .conv.backward import chain_backward
from .conv.epilogue import POOL
from .conv.forward import chain_forward

Array = Any


def encoder_forward(
    x: Array, Ws: tuple[Array, ...], bs: tuple[Array, ...], keep: bool = True
) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K) and b (O) of every stage -> y (B, O, ⌈T / 2^stages⌉), cache."""
    lengths = tuple(-(-x.shape[2] // 2**stage) for stage in range(1, len(Ws) + 1))
    return chain_forward((POOL,) * len(Ws), x, Ws, bs, lengths, keep)


def encoder_backward(
    dy: Array, cache: Any, need_dx: bool = True
) -> tuple[Array | None, tuple[Array, ...], tuple[Array, ...]]:
    """dy like y -> dx (B, C, T) or None, dW (O, C, K) and db (O) of every stage."""
    return chain_backward(dy, cache, need_dx)


def encoder_stage_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, ⌈T / 2⌉), cache."""
    return encoder_forward(x, (W,), (b,))


def encoder_stage_backward(dy: Array, cache: Any, need_dx: bool = True) -> tuple[Array | None, Array, Array]:
    """dy (B, O, ⌈T / 2⌉) -> dx (B, C, T) or None, dW (O, C, K), db (O)."""
    dx, (dW,), (db,) = chain_backward(dy, cache, need_dx)
    return dx, dW, db
