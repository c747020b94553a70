"""Which device computes: the processor with NumPy or a GPU with CuPy; and one clear line where no GPU can be used."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

import numpy as np

from minieqt.errors import UserError
from minieqt.kernels import kernel_module

DEVICES = ("cpu", "cuda")
LEAST_CAPABILITY = 75  # compute capability, times ten: the oldest that CUDA 13 compiles for
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
    """UserError, in one line, unless `count` GPUs can be used."""
    found = count_gpus() if count else 0
    if count > found:
        here = f"this machine has {found}" if found else "CUDA finds no GPU on this machine"
        raise UserError(f"{count} GPU{'s' if count > 1 else ''} asked for, and {here}")


def array_module_for(device: str) -> ModuleType:
    """numpy for "cpu", cupy for "cuda" after a trial on the first GPU. UserError where it does not work.

    The trial is one addition: CuPy compiles its operations, and without NVIDIA's compiler library the first one fails.
    """
    if device == "cpu":
        return np
    if device not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {device!r}")
    require_gpus(1)
    cupy = importlib.import_module("cupy")
    cupy.cuda.Device(0).use()
    capability, toolkit = compute_capability(cupy), cupy.cuda.runtime.runtimeGetVersion()
    if capability < LEAST_CAPABILITY and toolkit >= 13000:
        raise UserError(
            f"this GPU's compute capability is {capability / 10}, and CUDA 13 compiles for {LEAST_CAPABILITY / 10} and "
            "later: pip uninstall cupy-cuda13x, then pip install -e '.[cuda12]'"
        )
    try:
        works = int((cupy.arange(3) + 1).sum()) == 6
    except MemoryError as error:
        raise UserError(f"the GPU has no memory left, not even for a few numbers ({error})") from None
    except Exception as error:
        raise UserError(f"CuPy {cupy.__version__} cannot work on this machine: {error}") from None
    if not works:
        raise UserError(f"CuPy {cupy.__version__} adds up 1, 2, 3 wrongly on GPU 0")
    return cupy


def compute_capability(cupy: ModuleType) -> int:
    """The current GPU's compute capability, times ten: 90 for an H100."""
    return int(cupy.cuda.Device().compute_capability)


def require_tensor_cores(cupy: ModuleType) -> None:
    """UserError, in one line, unless the current GPU multiplies TF32."""
    capability, least = compute_capability(cupy), kernel_module("cuda.launch").LEAST_CAPABILITY
    if capability < least:
        raise UserError(
            f"--tf32 needs a GPU of compute capability {least / 10} or later (A100, RTX 30), this one has "
            f"{capability / 10}: leave it out"
        )


def require_nvvm(cupy: ModuleType) -> None:
    """UserError unless Numba can compile for GPUs; where CUDA_PATH and CUDA_HOME are not set, CuPy's toolkit is tried.

    CuPy finds a toolkit in more places than numba-cuda, which looks in its own wheels, CUDA_PATH and CUDA_HOME.
    """
    toolkit = cupy.cuda.get_cuda_path()
    if toolkit and not (os.environ.get("CUDA_PATH") or os.environ.get("CUDA_HOME")):
        if (Path(toolkit) / "nvvm").is_dir():
            os.environ["CUDA_HOME"] = toolkit
    try:
        importlib.import_module("numba.cuda.cudadrv.nvvm").NVVM()
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"--cache gpu compiles with NVIDIA's libNVVM, which numba-cuda does not find ({INSTALL}); or let CUDA_HOME "
            f"name a CUDA toolkit's folder, the one with nvvm/ in it. It says: {reason}"
        ) from None
