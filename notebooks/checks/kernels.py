"""Exercises of chapter 11."""

from __future__ import annotations

from typing import Any

import numpy as np
from course.checking import Wrong, expect, expect_close
from numba import njit
from numba.core.errors import NumbaError

from minieqt.layers.conv1d import conv1d_forward, pad_same
from minieqt.layers.pool import maxpool1d_forward

RNG = np.random.default_rng(11)


def operations_per_byte(answer: Any) -> None:
    """Return a number of operations for each byte."""
    B, C, O, K, T = 16, 16, 32, 7, 750
    right = 2 * B * O * T * C * K / (4 * (B * C * T + O * C * K + B * O * T))
    found = answer(B, C, O, K, T)
    expect(not np.isclose(2 * found, right), "a product and a sum: two operations for each weight and output")
    expect(not np.isclose(found, 4 * right), "a float32 has four bytes")
    expect_close(found, right, "the operations a byte")
    first_layer = 2 * 8 * 33 * 6000 / (4 * (18000 + 264 + 48000))
    expect_close(answer(1, 3, 8, 11, 6000), first_layer, "for the first layer, they")


def least_seconds(answer: Any) -> None:
    """Return a time in seconds."""
    expect(answer(100.0, 10.0, 50.0, 10.0) != 3, "arithmetic and memory work at the same time: the times do not add up")
    expect_close(answer(100.0, 10.0, 50.0, 10.0), 2.0, "the time, where arithmetic decides,")
    expect_close(answer(100.0, 40.0, 50.0, 10.0), 4.0, "the time, where memory decides,")


def best_tile(answer: Any) -> None:
    """Return (R, V)."""
    for registers, right in ((16, (4, 3)), (32, (5, 5)), (8, (2, 2))):
        R, V = answer(registers)
        expect(R * V + V + 1 <= registers, f"{R} × {V} sums, {V} vectors and a weight do not fit {registers} registers")
        better = right[0] * right[1] / sum(right)
        expect(R * V / (R + V) >= better, f"{registers} registers: {right} has {better:.2f} multiply-adds a load")
        expect((R, V) == right, f"{registers} registers: {right} needs fewer of them than {(R, V)}")


def pool_kernel(answer: Any) -> None:
    """Fill y, and return it."""
    x = RNG.standard_normal((2, 3, 8))
    right = maxpool1d_forward(x)[0]
    expect_close(answer(x, np.empty_like(right)), right, "y")
    expect_close(compiled(answer, x, np.empty_like(right)), right, "compiled, y")


def taps_at_once(answer: Any) -> None:
    """Fill y, and return it."""
    x, W, b = RNG.standard_normal((2, 3, 12)), RNG.standard_normal((4, 3, 5)), RNG.standard_normal(4)
    rows, right = pad_same(x, 5), conv1d_forward(x, W, b)[0]
    found = np.asarray(answer(rows, W, b, np.full_like(right, np.nan)))
    expect(np.isfinite(found).all(), "not all of y was written: does each row begin with its bias?")
    expect(not np.allclose(found + b[:, None], right), "the bias is missing")
    expect_close(found, right, "y")
    expect_close(compiled(answer, rows, W, b, np.empty_like(right)), right, "compiled, y")


def compiled(function: Any, *arguments: Any) -> Any:
    """What an answer returns when Numba has compiled it; Wrong if Numba cannot."""
    try:
        return njit(getattr(function, "__wrapped__", function))(*arguments)
    except NumbaError as error:
        raise Wrong(f"Numba cannot compile it: {str(error).splitlines()[0]}") from None
