"""How the work of correlate.cuh, weights.cuh and their twins on tensor cores is cut: the same numbers as there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .launch import ceil_div, empty, launch, products, shared_bytes
from .layout import MOST_FILTERS, Convolution, Order, lay_out
from .sums import sum_split

Array = Any

THREADS = 128
GRADIENT_THREADS, COLUMNS = 256, 4
TENSOR_FILTERS, TENSOR_CHANNELS, TENSOR_MOMENTS = 16, 8, 96
GRADIENT_WARPS, TENSOR_COLUMNS = 8, 32
WIDTHS = 256, 192, 128, 96, 64, 48, 32  # that a strip of a weight gradient may have
SHARED = 40 * 1024  # bytes that a tile may fill, so that several blocks share a multiprocessor
STRIP = 16  # moments that a strip costs besides its own and K at its ends: two barriers, and moments beyond the end
BLOCKS = 256  # of a weight gradient, about: enough to fill any GPU, the same on all of them


def groups_of(filters: int, rows: int) -> int:
    """How many groups of `rows` filters a block has: a power of two."""
    groups = 1
    while groups * rows < min(filters, MOST_FILTERS):
        groups *= 2
    return groups


class Tile(NamedTuple):
    """What a block takes: filters, moments, channels at a time, and bytes of shared memory."""

    filters: int
    width: int
    chunk: int
    shared: int


class Prepared(NamedTuple):
    """A convolution, the tile that it is cut into, and its weights in that tile's order."""

    convolution: Convolution
    tile: Tile
    weights: Array


def prepare(*convolutions: Convolution) -> list[Prepared]:
    """Cut convolutions into tiles and lay out their weights, two in one launch."""
    on_tensor_cores = [
        products(convolution.W) > 0 and convolution.O >= TENSOR_FILTERS for convolution in convolutions
    ]
    tiles = [
        tensor_tile(C, O, K) if tensor else plain_tile(C, O, K, T)
        for (_, _, C, O, K, T, _), tensor in zip(convolutions, on_tensor_cores, strict=True)
    ]
    orders = [Order(tile.filters, tile.chunk, tensor) for tile, tensor in zip(tiles, on_tensor_cores, strict=True)]
    weights = lay_out(list(zip(convolutions, orders, strict=True)))
    return [Prepared(*parts) for parts in zip(convolutions, tiles, weights, strict=True)]


def correlate(source: str, kernel: str, prepared: Prepared, arguments: tuple, B: int) -> None:
    """Launch a kernel of correlate.cuh on B samples.

    The kernel is called with the weights in its tiles' order, with `arguments`, and with the number of channels that it
    takes at a time.
    """
    convolution, tile, weights = prepared
    grid = ceil_div(convolution.T, tile.width), B, ceil_div(convolution.O, MOST_FILTERS)
    launch(source, kernel, grid, THREADS, (weights, *arguments, tile.chunk), tile.shared)


def plain_tile(C: int, O: int, K: int, T: int) -> Tile:
    """The tile of correlate.cuh."""
    rows = 1 if O == 1 else 8
    groups = groups_of(O, rows)
    lanes = THREADS // groups
    width = lanes * (3 if rows == 8 and T <= 3 * lanes else 6)
    samples, pitch = width + K - 1, groups * rows + (4 if rows == 8 else 0)
    chunk = min(C, max(1, SHARED // (4 * (samples + K * pitch))))
    return Tile(groups * rows, width, chunk, shared_bytes(chunk * samples, chunk * K * pitch))


def tensor_tile(C: int, O: int, K: int) -> Tile:
    """The tile of tensor.cuh."""
    groups = groups_of(O, TENSOR_FILTERS)
    filters, width = groups * TENSOR_FILTERS, 4 // groups * TENSOR_MOMENTS
    row, pitch = ceil_div(width + K - 1, 32) * 32 + 8, filters + 8
    most = max(1, SHARED // (4 * TENSOR_CHANNELS * (row + K * pitch)))
    chunk = TENSOR_CHANNELS * min(ceil_div(C, TENSOR_CHANNELS), most)
    loaded, sums = shared_bytes(chunk * row, chunk * K * pitch), shared_bytes(filters * (width + 8))
    return Tile(filters, width, chunk, max(loaded, sums))


def weight_gradient(
    source: str, kernel: str, arguments: Callable[[Array], tuple], like: Array, B: int, C: int, O: int, K: int, T: int
) -> tuple[Array, Array]:
    """Launch a kernel of weights.cuh: dW (O, C, K), db (O)."""
    dW, db = empty(like, (O, C, K)), empty(like, O)
    sum_split(partial_gradients(source, kernel, arguments, like, B, C, O, K, T), dW, None, db)
    return dW, db


def partial_gradients(
    source: str, kernel: str, arguments: Callable[[Array], tuple], like: Array, B: int, C: int, O: int, K: int, T: int
) -> Array:
    """Launch a kernel of weights.cuh: its blocks' partial results (blocks, O (C K + 1)), the last column the bias's.

    The kernel is called with `arguments(partial)`, and after them two numbers of the cut.
    """
    total = C * K + 1
    cut = tensor_cut if products(like) and O >= TENSOR_FILTERS else plain_cut
    columns, bytes_of = cut(O, total, K)
    rows_of_x = min(C, ceil_div(columns - 1, K) + 1) + 1  # those of a block's columns, and one of ones
    across = ceil_div(total, columns), ceil_div(O, MOST_FILTERS)
    fitting = [width for width in WIDTHS if bytes_of(width, rows_of_x) <= SHARED] or [WIDTHS[-1]]
    width = min(fitting, key=lambda width: ceil_div(T, width) * (width + K + STRIP))
    blocks = even_blocks(B * ceil_div(T, width), max(1, BLOCKS // (across[0] * across[1])))
    partial = empty(like, (blocks, O * total))
    parts = (*arguments(partial), width, rows_of_x)
    launch(source, kernel, (blocks, *across), GRADIENT_THREADS, parts, bytes_of(width, rows_of_x))
    return partial


def even_blocks(strips: int, most: int) -> int:
    """How many blocks, at most `most`, share `strips` strips: the fewest that take as many turns as `most` would, since
    each block leaves a partial result to be added up."""
    return ceil_div(strips, ceil_div(strips, most)) if strips else 1


def plain_cut(O: int, total: int, K: int) -> tuple[int, Callable[[int, int], int]]:
    """How many columns a block of weights.cuh has, and its shared bytes by (width, rows of x)."""
    rows, lanes = 1 if O == 1 else 8, 1
    groups = groups_of(O, rows)
    while lanes * COLUMNS < total and lanes * groups < GRADIENT_THREADS:
        lanes *= 2
    filters, columns = groups * rows, COLUMNS * lanes
    pitch, sums = filters + (4 if rows == 8 else 0), filters * columns if groups * lanes < GRADIENT_THREADS else 0
    return columns, lambda width, rows_of_x: shared_bytes(rows_of_x * (whole_banks(width) + K), width * pitch, sums)


def tensor_cut(O: int, total: int, K: int) -> tuple[int, Callable[[int, int], int]]:
    """The same of tensor_weights.cuh."""
    high, across = (2 if O > TENSOR_FILTERS else 1), 1
    down = 2 if O > high * TENSOR_FILTERS else 1
    while across * TENSOR_COLUMNS < total and across * down < GRADIENT_WARPS:
        across *= 2
    filters, columns = down * high * TENSOR_FILTERS, across * TENSOR_COLUMNS
    sums = filters * columns if down * across < GRADIENT_WARPS else 0
    return columns, lambda width, rows_of_x: shared_bytes(
        rows_of_x * (whole_banks(width) + K + 3), filters * (width + 4), sums
    )


def whole_banks(width: int) -> int:
    """`width` rounded up, so that the next row begins in the same bank of shared memory."""
    return ceil_div(width, 32) * 32
