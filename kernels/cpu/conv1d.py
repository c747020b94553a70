"""Twin of minieqt/layers/conv1d.py: a chain of one convolution."""

from __future__ import annotations

from typing import Any

from kernels.cpu.chain import Kept, chain_forward
from kernels.cpu.chain_backward import chain_backward
from kernels.cpu.ends import PLAIN
from kernels.cpu.rows import LEAD

Array = Any


def conv1d_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """x (B, C, T), W (O, C, K), b (O) -> y (B, O, T), cache; NotImplemented for kernels of more than 32 taps."""
    if W.shape[2] > 2 * LEAD:  # backward has LEAD columns for the taps on one side
        return NotImplemented
    return chain_forward((PLAIN,), x, (W,), (b,), x.shape[2:])


def conv1d_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """dy (B, O, T) -> dx (B, C, T), dW (O, C, K), db (O)."""
    if not isinstance(cache, Kept):
        return NotImplemented
    dx, (dW,), (db,) = chain_backward(dy, cache)
    return dx, dW, db
