"""Launches updates.cu: twin of minieqt/updates.py."""

from __future__ import annotations

from typing import Any

from .launch import ceil_div, contiguous, launch

Array = Any

THREADS, ARRAYS = 256, 16


def add_each(like: Array, arrays: tuple[Array, ...], values: tuple[Array, ...]) -> None:
    """arrays += values, in place; each array of its value's shape."""
    launch_each("add_each", arrays, values)


def update_running(like: Array, arrays: tuple[Array, ...], values: tuple[Array, ...], rate: float) -> None:
    """arrays += rate (values - arrays), in place."""
    launch_each("update_running", arrays, values, float(rate))


def launch_each(kernel: str, arrays: tuple[Array, ...], values: tuple[Array, ...], *rest: float) -> None:
    """Sixteen arrays at a time."""
    for first in range(0, len(arrays), ARRAYS):
        own, new = arrays[first : first + ARRAYS], values[first : first + ARRAYS]
        triples = [(array, contiguous(value), array.size) for array, value in zip(own, new, strict=True)]
        triples += [(None, None, 0)] * (ARRAYS - len(triples))
        grid = ceil_div(max(size for *_, size in triples), THREADS), len(own)
        launch("updates.cu", kernel, grid, THREADS, tuple(part for triple in triples for part in triple) + rest)
