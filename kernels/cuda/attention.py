"""Launches attention.cu: twin of minieqt/layers/attention.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from .launch import ceil_div, contiguous, empty, launch, module_of, shared_bytes
from .sums import sum_rows

Array = Any

EPS = 1e-7
THREADS = 256
SCORES = 48 * 48  # that a block holds at a time


def attention_forward(
    x: Array, Wt: Array, Wx: Array, bh: Array, Wa: Array, ba: Array, width: int | None = None, eps: float = EPS
) -> tuple[Array, Array, Any]:
    """x (B, C, T), Wt Wx (C, U), bh (U), Wa (U, 1), ba (1) -> y (B, C, T), weights a (B, T, T), cache."""
    x, (Wt, Wx, Wa) = contiguous(x), (contiguous(W) for W in (Wt, Wx, Wa))
    (B, C, T), U = x.shape, bh.size
    rows = rows_at_a_time(T)
    y, a, largest = empty(x, x.shape), empty(x, (B, T, T)), empty(x, (B, T), np.int32)
    band = 2 * T if width is None else width
    arguments = x, Wt, Wx, bh, Wa, ba, band, eps, y, a, largest, C, T, U, rows
    shared = shared_bytes(C * T, U * T, rows * (U + 1), rows * T)
    launch("attention.cu", "attention_forward", (ceil_div(T, rows), B), THREADS, arguments, shared)
    return y, a, (x, Wt, Wx, bh, Wa, a, largest)


def attention_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array, Array, Array, Array]:
    """dy (B, C, T) -> dx (B, C, T), dWt, dWx (C, U), dbh (U), dWa (U, 1), dba (1)."""
    x, Wt, Wx, bh, Wa, a, largest = cache
    (B, C, T), U, rows = x.shape, bh.size, rows_at_a_time(x.shape[2])
    dx, partial = empty(x, x.shape), empty(x, (B, 2 * C * U + 2 * U))
    arguments = contiguous(dy), x, Wt, Wx, bh, Wa, a, largest, dx, partial, C, T, U, rows
    shared = shared_bytes(C * T, C * T, U * T, U * T, rows * (U + 1), rows * (U + 1), rows * U, rows * T)
    launch("attention.cu", "attention_backward", B, THREADS, arguments, shared)
    total = sum_rows(partial)
    dWt, dWx, rest = total[: C * U], total[C * U : 2 * C * U], total[2 * C * U :]
    dba = module_of(x).zeros(1, x.dtype)
    return dx, dWt.reshape(C, U), dWx.reshape(C, U), rest[:U], rest[U:].reshape(U, 1), dba


def rows_at_a_time(T: int) -> int:
    """How many rows of T scores a block holds at a time."""
    return min(T, max(1, SCORES // T))
