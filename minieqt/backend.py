"""NumPy or CuPy, which device, readable or fast: the seam between the definitions and their fast twins.

A layer file holds the definition of each function in array code. `@accelerated` marks the functions that may
have a faster twin: the function of the same name in `kernels/cpu/` (Numba) or `kernels/cuda/` (CUDA C++), in the
file of the same name. Twins are found when first needed, never listed and never imported before.

The rule: float64 always takes the definition (gradient checks need it); float32 takes the twin where there is
one, unless the reader asked for the readable code (`use("readable")`, or MINIEQT_KERNELS=off). A cache belongs to
the pair that made it: do not change the mode between a forward and its backward.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from minieqt.kernels import kernel_module, package

Array = Any  # numpy.ndarray or cupy.ndarray

MODES = ("readable", "fast")
_mode = "readable" if os.environ.get("MINIEQT_KERNELS", "").lower() in ("off", "0", "no") else "fast"


def use(mode: str) -> None:
    """Choose the readable definitions or their fast twins, for the whole process."""
    global _mode
    if mode not in MODES:
        raise ValueError(f"mode must be one of {MODES}, got {mode!r}")
    _mode = mode


def mode() -> str:
    """The mode in force: "readable" or "fast"."""
    return _mode


def options(*, tf32: bool) -> None:
    """How twins multiply on a GPU with tensor cores, for the whole process: with one product of TF32 (tf32), or with
    three, which together have nearly float32's digits. docs/gpu.md compares the two.
    """
    kernel_module("cuda.launch").use_products(1 if tf32 else None)


@contextmanager
def using(mode: str) -> Iterator[None]:
    """`use(mode)` for the length of a with block."""
    before = _mode
    use(mode)
    try:
        yield
    finally:
        use(before)


def array_module(x: Array) -> ModuleType:
    """numpy for a NumPy array, cupy for a CuPy array."""
    if type(x).__module__.startswith("cupy"):
        return importlib.import_module("cupy")
    return np


def device_of(x: Array) -> str:
    """Where an array is: "cpu" or "cuda"."""
    return "cpu" if array_module(x) is np else "cuda"


def to_numpy(x: Any) -> np.ndarray:
    """Any array or number as a NumPy array; a CuPy array is copied from its device."""
    return np.asarray(x.get() if hasattr(x, "get") else x)


def as_array(x: Array, dtype: Any, xp: Any) -> Array:
    """A NumPy or CuPy array as an array of `xp` and `dtype`: the same array if it is one already."""
    return xp.asarray(to_numpy(x) if xp is np else x, dtype)


@functools.cache
def twin(definition: Callable, device: str) -> Callable | None:
    """The fast twin of a definition on a device, or None: the same file, the same name, under kernels/."""
    path = f"{device}.{definition.__module__.rpartition('.')[2]}"
    if importlib.util.find_spec(f"{package()}.{path}") is None:
        return None
    return getattr(kernel_module(path), definition.__name__, None)


def accelerated(definition: Callable) -> Callable:
    """Mark a readable function that may have a fast twin; the first argument's dtype and device decide.

    A twin that cannot handle its arguments returns NotImplemented, and the definition is called instead.
    """

    @functools.wraps(definition)
    def dispatch(*args: Any, **kwargs: Any) -> Any:
        if _mode == "fast" and args[0].dtype == np.float32:
            fast = twin(definition, device_of(args[0]))
            result = NotImplemented if fast is None else fast(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return definition(*args, **kwargs)

    dispatch.definition = definition  # type: ignore[attr-defined]
    return dispatch
