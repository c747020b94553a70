"""Launches feedforward_fused.cu: the feed-forward part, in one kernel each way, where a tile of it fits a block."""

from __future__ import annotations

from typing import Any

from .launch import DEFAULT_SHARED, ceil_div, empty, launch, shared_bytes
from .sums import sum_rows

Array = Any

THREADS, MOMENTS = 256, 24
ROW, BLOCKS = MOMENTS + 1, 256  # BLOCKS: of backward, at most; the same on all GPUs, so that sums have one order


def pad(rows: int) -> int:
    """Rows of a weight in shared memory: whole groups of 8."""
    return 8 * ceil_div(rows, 8)


def forward_shared(C: int, F: int) -> int:
    """Bytes of shared memory that a block needs forward."""
    return shared_bytes(C * ROW, C * pad(F), F * pad(C), F * ROW)


def backward_shared(C: int, F: int) -> int:
    """And backward."""
    return shared_bytes(C * ROW, C * ROW, C * pad(F), C * pad(F), F * ROW, F * ROW)


def fits(C: int, F: int) -> bool:
    """Whether both kernels can have the shared memory that they need on every GPU."""
    return max(forward_shared(C, F), backward_shared(C, F)) <= DEFAULT_SHARED


def fused_forward(x: Array, W1: Array, b1: Array, W2: Array, b2: Array, mask: Array | None) -> Array:
    """x (B, C, T), W1 (F, C), b1 (F), W2 (C, F), b2 (C), mask (B, F, T) or None -> y (B, C, T)."""
    (B, C, T), F, y = x.shape, b1.size, empty(x, x.shape)
    arguments = x, W1, b1, W2, b2, mask, y, C, F, T
    grid, shared = (ceil_div(T, MOMENTS), B), forward_shared(C, F)
    launch("feedforward_fused.cu", "fused_forward", grid, THREADS, arguments, shared)
    return y


def fused_backward(
    dy: Array, x: Array, W1: Array, b1: Array, W2: Array, mask: Array | None
) -> tuple[Array, Array, Array, Array, Array]:
    """dy, x (B, C, T) and the rest as forward has it -> dx (B, C, T), dW1 (F, C), db1 (F), dW2 (C, F), db2 (C)."""
    (B, C, T), F = x.shape, b1.size
    blocks = min(BLOCKS, B * ceil_div(T, MOMENTS))
    dx, partial = empty(x, x.shape), empty(x, (blocks, 2 * C * F + F + C))
    arguments = dy, x, W1, b1, W2, mask, dx, partial, B, C, F, T
    launch("feedforward_fused.cu", "fused_backward", blocks, THREADS, arguments, backward_shared(C, F))
    total, size = sum_rows(partial), C * F
    dW1, db1 = total[:size].reshape(F, C), total[size : size + F]
    dW2, db2 = total[size + F : 2 * size + F].reshape(C, F), total[2 * size + F :]
    return dx, dW1, db1, dW2, db2
