"""How the work of correlate.cuh and weights.cuh is cut into blocks: the same numbers as there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kernels.cuda.launch import ceil_div, empty, launch, shared_bytes, tf32
from kernels.cuda.sums import sum_rows

Array = Any

THREADS, MOST_FILTERS = 128, 64
GRADIENT_THREADS, COLUMNS = 256, 4
TENSOR_FILTERS, TENSOR_CHANNELS, TENSOR_MOMENTS = 16, 8, 96
SHARED = 40 * 1024  # bytes that a tile may fill, so that several blocks share a multiprocessor
BLOCKS = 256  # of a weight gradient, about: enough to fill any card, the same on all of them


def groups_of(filters: int, rows: int) -> int:
    """How many groups of `rows` filters a block has: a power of two."""
    groups = 1
    while groups * rows < min(filters, MOST_FILTERS):
        groups *= 2
    return groups


def correlate(source: str, kernel: str, arguments: tuple, B: int, C: int, O: int, K: int, T: int) -> None:
    """Launch a kernel of correlate.cuh: C channels to O filters of K taps, T moments, B samples.

    The kernel is called with `arguments`, and how many channels it is to take at a time behind them.
    """
    if tf32() and O >= TENSOR_FILTERS:
        width, chunk, shared = tensor_tile(C, O, K)
        launch(source, kernel, (ceil_div(T, width), B, ceil_div(O, MOST_FILTERS)), THREADS, (*arguments, chunk), shared)
        return
    rows = 1 if O == 1 else 8
    groups = groups_of(O, rows)
    lanes = THREADS // groups
    width = lanes * (3 if rows == 8 and T <= 3 * lanes else 6)
    samples, pitch = width + K - 1, groups * rows + (4 if rows == 8 else 0)
    chunk = min(C, max(1, SHARED // (4 * (samples + K * pitch))))
    grid = ceil_div(T, width), B, ceil_div(O, MOST_FILTERS)
    launch(source, kernel, grid, THREADS, (*arguments, chunk), shared_bytes(chunk * samples, chunk * K * pitch))


def tensor_tile(C: int, O: int, K: int) -> tuple[int, int, int]:
    """The tile of tensor.cuh: how many moments it is wide, how many channels it takes at a time, its shared bytes."""
    groups = groups_of(O, TENSOR_FILTERS)
    filters, width = groups * TENSOR_FILTERS, 4 // groups * TENSOR_MOMENTS
    row, pitch = ceil_div(width + K - 1, 32) * 32 + 8, filters + 8
    most = max(1, SHARED // (4 * TENSOR_CHANNELS * (row + K * pitch)))
    chunk = TENSOR_CHANNELS * min(ceil_div(C, TENSOR_CHANNELS), most)
    return width, chunk, shared_bytes(chunk * row, chunk * K * pitch, filters * width)


def weight_gradient(
    source: str, kernel: str, arguments: Callable[[Array], tuple], like: Array, B: int, C: int, O: int, K: int, T: int
) -> tuple[Array, Array]:
    """Launch a kernel of weights.cuh: dW (O, C, K), db (O)."""
    gradient = weight_gradient_rows(source, kernel, arguments, like, B, C, O, K, T)
    return gradient[:, :-1].reshape(O, C, K), gradient[:, -1]


def weight_gradient_rows(
    source: str, kernel: str, arguments: Callable[[Array], tuple], like: Array, B: int, C: int, O: int, K: int, T: int
) -> Array:
    """Launch a kernel of weights.cuh and add up what its blocks leave: (O, C K + 1), the last column that of the bias.

    The kernel is called with `arguments(partial)`, and two numbers of the cut behind them.
    """
    rows, total, lanes = 1 if O == 1 else 8, C * K + 1, 1
    groups = groups_of(O, rows)
    while lanes * COLUMNS < total and lanes * groups < GRADIENT_THREADS:
        lanes *= 2
    slices = GRADIENT_THREADS // (groups * lanes)
    rows_of_x = min(C, ceil_div(COLUMNS * lanes - 1, K) + 1) + 1  # those of a block's columns, and one of ones
    pitch = groups * rows + (4 if rows == 8 else 0)

    def pieces(width: int) -> tuple[int, ...]:
        return rows_of_x * (width + K), width * pitch, groups * rows * COLUMNS * lanes if slices > 1 else 0

    width = 256
    while width > 32 and (width >= 2 * T or shared_bytes(*pieces(width)) > SHARED):
        width //= 2
    across = ceil_div(total, COLUMNS * lanes), ceil_div(O, MOST_FILTERS)
    blocks = max(1, min(B * ceil_div(T, width), BLOCKS // (across[0] * across[1])))
    partial = empty(like, (blocks, O * total))
    shared = shared_bytes(*pieces(width))
    launch(source, kernel, (blocks, *across), GRADIENT_THREADS, (*arguments(partial), width, rows_of_x), shared)
    return sum_rows(partial).reshape(O, total)
