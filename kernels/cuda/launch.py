"""One way to launch a kernel: on a GPU through CuPy, or, for NumPy arrays, on the host build of the same file.

    launch("adam.cu", "adam_step", blocks, threads, (theta, gradient, …, np.float32(…)), shared=0)

Arguments come in the kernel's order: arrays (None is a null pointer) and numbers (a Python int is an int32, a float
a float32). A launcher
allocates with `empty`, which gives memory on the machine of the array that it is told to be like.
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

LEAST_CAPABILITY = 80  # compute capability, times ten, of the first cards whose tensor cores multiply TF32

_products: int | None = None


def use_products(count: int | None) -> None:
    """How many products of TF32 a product in a convolution of 16 filters and more is made of, for the whole process.

    3: nearly float32's digits, on tensor cores (tensor.cuh); 1: ten bits; 0: float32's own product, without them.
    None: 3 on a GPU that has them, else 0.
    """
    global _products
    if count not in (None, 0, 1, 3):
        raise ValueError(f"a product is made of 3 of TF32, of 1, or of none, got {count}")
    _products = count


def products(like: Array) -> int:
    """The number in force where `like` lies."""
    if _products is not None:
        return _products
    return 0 if isinstance(like, np.ndarray) else products_of(sys.modules["cupy"])


@cache
def products_of(cupy: ModuleType) -> int:
    """What the current GPU takes unasked."""
    return 3 if int(cupy.cuda.Device().compute_capability) >= LEAST_CAPABILITY else 0


DEFAULT_SHARED = 48 * 1024  # bytes that a block may have without asking


def module_of(x: Array) -> ModuleType:
    """numpy or cupy, whichever x belongs to."""
    return np if isinstance(x, np.ndarray) else sys.modules["cupy"]


def empty(like: Array, shape: Any, dtype: Any = np.float32) -> Array:
    """An array on the machine of `like`. On the host it holds NaN, so that what was never written shows."""
    xp = module_of(like)
    array = xp.empty(shape, dtype)
    if xp is np:
        array.view(np.uint8).reshape(-1)[...] = 255 if array.size else 0
    return array


def on_machine(like: Array, value: Any, dtype: Any) -> Array:
    """A number as an array of one on the machine of `like`. One that is there already is taken as it is: in a
    captured graph it can change from step to step."""
    return module_of(like).asarray(value, dtype).reshape(1)


def contiguous(x: Array) -> Array:
    """x itself, or a copy where its numbers do not lie side by side."""
    return module_of(x).ascontiguousarray(x)


def shared_bytes(*counts: int, size: int = 4) -> int:
    """Bytes of shared memory for pieces of so many numbers each, as shared.cuh lays them out."""
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
        from . import on_host  # tests alone come here

        on_host.run(source, kernel, grid, block, arguments, shared, products(array))
    else:
        function = on_device(source, kernel, products(array))
        if shared > DEFAULT_SHARED:
            function.max_dynamic_shared_size_bytes = shared
        function(grid, block, tuple(np.uintp(0) if a is None else a for a in arguments), shared_mem=shared)


def number(argument: Any) -> Any:
    """An argument as the kernel takes it."""
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
    """NVRTC's. The digest is among them because CuPy keeps what it compiled by options and the .cu file alone."""
    return "--std=c++17", f"-I{FOLDER}", f"-DSOURCES=0x{digest()}", *((f"-DTF32={products}",) if products else ())
