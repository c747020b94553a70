"""Which machine computes: the processor with NumPy or a GPU with CuPy; and one clear line where no GPU can be had."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

import numpy as np

from minieqt.errors import UserError
from minieqt.kernels import kernel_module

DEVICES = ("cpu", "cuda")
LEAST_CAPABILITY = 75  # that NVIDIA's compiler of CUDA 13 still makes code for
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
        raise UserError(f"CuPy {cupy.__version__} adds up 1, 2, 3 wrongly on GPU {number}")
    return cupy


def compute_capability(cupy: ModuleType) -> int:
    """That of the current GPU, times ten: 90 for an H100."""
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
    """Numba's compiler for GPUs, told where a CUDA toolkit is, if nobody has said so. UserError where there is none.

    CuPy finds a toolkit by more ways than numba-cuda, which asks its own wheels and CUDA_PATH or CUDA_HOME.
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
