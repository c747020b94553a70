"""Launches sums.cu: partial results of blocks, added up in a fixed order."""

from __future__ import annotations

from typing import Any

from .launch import ceil_div, empty, launch, shared_bytes

Array = Any

COLUMNS, THREADS = 32, 256


def sum_rows(rows: Array) -> Array:
    """rows (G, N) -> their sum (N)."""
    G, N = rows.shape
    total = empty(rows, N)
    launch_sums("sums.cu", "sum_rows", N, (rows, total, G, N))
    return total


def sum_split(rows: Array, first: Array, second: Array | None, last: Array) -> None:
    """rows (G, O (a + b + 1)) -> fills first (O, a), second (O, b), if there is one, and last (O) with their sum."""
    (G, N), O = rows.shape, last.size
    a, b = first.size // O, 0 if second is None else second.size // O
    launch_sums("sums.cu", "sum_split", N, (rows, first, second, last, G, N, a, b))


def launch_sums(source: str, kernel: str, columns: int, arguments: tuple) -> None:
    """Launch a kernel that adds up `columns` columns."""
    launch(source, kernel, ceil_div(columns, COLUMNS), THREADS, arguments, shared_bytes(THREADS))
