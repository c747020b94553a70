"""One way to launch a kernel: on a GPU through CuPy, or, for NumPy arrays, on the host build of the same file.

    launch("adam.cu", "adam_step", blocks, threads, (theta, gradient, …, np.float32(…)), shared=0)

Arguments come in the kernel's order: arrays (None is a null pointer) and numbers (a Python int is an int32, a float a
float32). A launcher allocates with `empty`, on the device of an array that is given.
"""

from __future__ import annotations

import math
import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from .sources import FOLDER, digest

Array = Any

LEAST_CAPABILITY = 80  # compute capability, times ten, of the first GPUs whose tensor cores multiply TF32

_products: int | None = None


def use_products(count: int | None) -> None:
    """Of how many TF32 products a product in a convolution of 16 filters or more is made, for the whole process.

    3: nearly float32's digits, on tensor cores (tensor.cuh); 1: ten bits; 0: float32's own product, without tensor
    cores. None: 3 on a GPU that has them, else 0.
    """
    global _products
    if count not in (None, 0, 1, 3):
        raise ValueError(f"a product is made of 3 of TF32, of 1, or of none, got {count}")
    _products = count


def products(like: Array) -> int:
    """The number in use on the device of `like`."""
    if _products is not None:
        return _products
    return 0 if isinstance(like, np.ndarray) else products_of(sys.modules["cupy"])


@cache
def products_of(cupy: ModuleType) -> int:
    """The current GPU's default."""
    return 3 if int(cupy.cuda.Device().compute_capability) >= LEAST_CAPABILITY else 0


DEFAULT_SHARED = 48 * 1024  # bytes that a block may have unless a launch raises the limit


def module_of(x: Array) -> ModuleType:
    """numpy or cupy, whichever x belongs to."""
    return np if isinstance(x, np.ndarray) else sys.modules["cupy"]


def empty(like: Array, shape: Any, dtype: Any = np.float32) -> Array:
    """An array on the device of `like`. On the host it holds NaN, so that numbers that were never written show."""
    xp = module_of(like)
    array = xp.empty(shape, dtype)
    if xp is np:
        array.view(np.uint8).reshape(-1)[...] = 255 if array.size else 0
    return array


def on_machine(like: Array, value: Any, dtype: Any) -> Array:
    """A number as an array of one element on the device of `like`. An array that is there already is used itself: in a
    captured graph its value can change from step to step."""
    return module_of(like).asarray(value, dtype).reshape(1)


def contiguous(x: Array) -> Array:
    """x itself if it is contiguous, else a contiguous copy."""
    return module_of(x).ascontiguousarray(x)


def shared_bytes(*counts: int, size: int = 4) -> int:
    """Bytes of shared memory for pieces of these counts of numbers, as shared.cuh lays them out."""
    return sum(-(-count * size // 16) * 16 for count in counts)


def ceil_div(a: int, b: int) -> int:
    """a / b, rounded up."""
    return -(-a // b)


def launch(
    source: str,
    kernel: str,
    grid: int | tuple[int, ...],
    block: int | tuple[int, ...],
    arguments: tuple[Any, ...],
    shared: int = 0,
) -> None:
    """Start `kernel` of kernels/cuda/`source`; a grid of no blocks does nothing."""
    grid, block = (sizes if isinstance(sizes, tuple) else (sizes,) for sizes in (grid, block))
    if math.prod(grid) == 0:
        return
    arguments = tuple(number(argument) for argument in arguments)
    array = next(a for a in arguments if a is not None and not isinstance(a, np.generic))
    if isinstance(array, np.ndarray):
        from . import on_host  # in tests only

        on_host.run(source, kernel, grid, block, arguments, shared, products(array))
    else:
        function = on_device(source, kernel, products(array))
        if shared > DEFAULT_SHARED:
            function.max_dynamic_shared_size_bytes = shared
        function(grid, block, tuple(np.uintp(0) if a is None else a for a in arguments), shared_mem=shared)


def number(argument: Any) -> Any:
    """An argument in the type that the kernel takes."""
    if isinstance(argument, int):
        return np.int32(argument)
    return np.float32(argument) if isinstance(argument, float) else argument


@cache
def on_device(source: str, kernel: str, products: int) -> Any:
    """The kernel, compiled by NVRTC for the current GPU; CuPy keeps the result on disk."""
    return module(source, products).get_function(kernel)


@cache
def module(source: str, products: int) -> Any:
    """A .cu file as CuPy's RawModule, which adds the current GPU's architecture to the options."""
    import cupy

    return cupy.RawModule(code=(FOLDER / source).read_text(encoding="utf-8"), options=options(products))


def options(products: int) -> tuple[str, ...]:
    """NVRTC's options. The sources' digest is one because CuPy's cache is keyed by options and the .cu file only."""
    return "--std=c++17", f"-I{FOLDER}", f"-DSOURCES=0x{digest()}", *((f"-DTF32={products}",) if products else ())
