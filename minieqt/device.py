"""Which machine computes: the processor with NumPy or a GPU with CuPy; and one clear line where no GPU can be had."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np

from minieqt.errors import UserError

DEVICES = ("cpu", "cuda")
INSTALL = "pip install -e '.[cuda13]', or '.[cuda12]' for an older driver"


def count_gpus() -> int:
    """How many GPUs CuPy can use here, 0 if there are none. UserError without CuPy, or with one that cannot work."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        raise UserError(f"a GPU needs CuPy ({INSTALL}); or use the processor. Python says: {error}") from None
    runtime = cupy.cuda.runtime
    try:
        return runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        driver, wanted = runtime.driverGetVersion(), runtime.runtimeGetVersion()
        if 0 < driver < wanted:
            raise UserError(
                f"this CuPy is made for CUDA {version(wanted)}, the machine's driver knows {version(driver)}: renew "
                f"the driver, or install the CuPy that fits it ({INSTALL})"
            ) from None
        if driver and "NoDevice" not in str(error):
            raise UserError(f"CUDA does not work on this machine: {error}") from None
        return 0


def version(number: int) -> str:
    """CUDA's 13020 -> 13.2."""
    return f"{number // 1000}.{number % 1000 // 10}"


def require_gpus(count: int) -> None:
    """UserError, in one line, unless so many GPUs can be used."""
    found = count_gpus() if count else 0
    if count > found:
        here = f"this machine has {found}" if found else "CUDA finds no GPU on this machine"
        raise UserError(f"{count} GPU{'s' if count > 1 else ''} asked for, and {here}")


def array_module_for(device: str, number: int = 0) -> ModuleType:
    """numpy for "cpu", cupy for "cuda", once it has shown that it works on GPU `number`. UserError where it does not.

    CuPy compiles its own operations, too: without NVIDIA's compiler library it fails at the first of them, so that one
    is tried here.
    """
    if device == "cpu":
        return np
    if device not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {device!r}")
    require_gpus(number + 1)
    cupy = importlib.import_module("cupy")
    cupy.cuda.Device(number).use()
    try:
        works = int((cupy.arange(3) + 1).sum()) == 6
    except MemoryError as error:
        raise UserError(f"the GPU has no memory left, not even for a few numbers ({error})") from None
    except Exception as error:
        raise UserError(f"CuPy {cupy.__version__} cannot work on this machine: {error}") from None
    if not works:
        raise UserError(f"CuPy {cupy.__version__} adds up 1, 2, 3 wrongly on GPU {number}")
    return cupy
