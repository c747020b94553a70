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

from kernels.cuda import on_host
from kernels.cuda.sources import FOLDER, digest

Array = Any

_tf32 = False


def use_tf32(on: bool) -> None:
    """Let convolutions of 16 filters and more use tensor cores, for the whole process: faster, and less exact."""
    global _tf32
    _tf32 = on


def tf32() -> bool:
    """Whether tensor cores are in use."""
    return _tf32


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
    if any(isinstance(argument, np.ndarray) for argument in arguments):
        on_host.run(source, kernel, grid, block, arguments, shared, _tf32)
    else:
        function = on_device(source, kernel, _tf32)
        if shared > DEFAULT_SHARED:
            function.max_dynamic_shared_size_bytes = shared
        function(grid, block, tuple(np.uintp(0) if a is None else a for a in arguments), shared_mem=shared)


def number(argument: Any) -> Any:
    """An argument as the kernel takes it."""
    if isinstance(argument, int):
        return np.int32(argument)
    return np.float32(argument) if isinstance(argument, float) else argument


@cache
def on_device(source: str, kernel: str, tensor_cores: bool) -> Any:
    """The kernel, compiled by NVRTC for the current GPU; CuPy keeps the result on disk."""
    return module(source, tensor_cores).get_function(kernel)


@cache
def module(source: str, tensor_cores: bool) -> Any:
    """A .cu file as CuPy's RawModule, which adds the current GPU's architecture to the options."""
    import cupy

    return cupy.RawModule(code=(FOLDER / source).read_text(encoding="utf-8"), options=options(tensor_cores))


def options(tensor_cores: bool) -> tuple[str, ...]:
    """NVRTC's. The digest is among them because CuPy keeps what it compiled by options and the .cu file alone."""
    return "--std=c++17", f"-I{FOLDER}", f"-DSOURCES=0x{digest()}", *(("-DTF32",) if tensor_cores else ())
