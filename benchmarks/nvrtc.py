"""NVIDIA's own compiler on the kernels, from its wheel; it needs no GPU."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import metadata
from pathlib import Path

from kernels.cuda.launch import options

OF_CUPY = "-ftz=true", "--device-as-default-execution-space"  # what CuPy adds to the options of a RawModule


def file_of(package: str, name: str) -> Path | None:
    """A file of an installed wheel, by the beginning of its name; None if there is none."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name.startswith(name)), None)


@cache
def library() -> ctypes.CDLL:
    """NVRTC. FileNotFoundError, with a hint, if it is not installed."""
    found = file_of("nvidia-cuda-nvrtc", "libnvrtc.so")
    if found is None:
        raise FileNotFoundError("nvidia-cuda-nvrtc is not installed, or has no library for this system")
    return ctypes.CDLL(str(found))


def compiled(source: str, name: str, architecture: str, products: int = 0) -> tuple[bytes, str]:
    """(machine code for an architecture such as sm_90, the compiler's messages), with a launch's options and CuPy's.

    The code is empty if the source does not compile; a warning counts as an error.
    """
    nvrtc, program, size = library(), ctypes.c_void_p(), ctypes.c_size_t()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), name.encode(), 0, None, None) == 0
    words = (*options(products), *OF_CUPY, f"--gpu-architecture={architecture}", "-Werror", "all-warnings")
    choices = [word.encode() for word in words]
    status = nvrtc.nvrtcCompileProgram(program, len(choices), (ctypes.c_char_p * len(choices))(*choices))
    assert nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)) == 0
    log = ctypes.create_string_buffer(size.value)
    assert nvrtc.nvrtcGetProgramLog(program, log) == 0
    code = b""
    if status == 0:
        assert nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0
        buffer = ctypes.create_string_buffer(size.value)
        assert nvrtc.nvrtcGetCUBIN(program, buffer) == 0
        code = buffer.raw
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return code, log.value.decode()
