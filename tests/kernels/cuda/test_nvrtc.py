"""Every .cu file compiles with NVIDIA's own compiler for the cards it is meant for. NVRTC needs no GPU."""

from __future__ import annotations

import ctypes
from importlib import metadata

import pytest

from kernels.cuda.launch import options
from kernels.cuda.sources import FOLDER

ARCHITECTURES = ("sm_80", "sm_90")


@pytest.fixture(scope="module")
def nvrtc():
    """The library of the nvidia-cuda-nvrtc wheel."""
    try:
        files = metadata.files("nvidia-cuda-nvrtc") or []
    except metadata.PackageNotFoundError:
        pytest.skip("nvidia-cuda-nvrtc is not installed")
    found = [file.locate() for file in files if file.name.startswith("libnvrtc.so")]
    if not found:
        pytest.skip("nvidia-cuda-nvrtc has no library for this system")
    return ctypes.CDLL(str(found[0]))


def compile_for(nvrtc, source, name, architecture, tensor_cores=False):
    """Compile a text; returns (whether it worked, the compiler's words)."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), name.encode(), 0, None, None) == 0
    words = (*options(tensor_cores), f"--gpu-architecture={architecture}", "-Werror", "all-warnings")
    choices = [word.encode() for word in words]
    status = nvrtc.nvrtcCompileProgram(program, len(choices), (ctypes.c_char_p * len(choices))(*choices))
    assert nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)) == 0
    log = ctypes.create_string_buffer(size.value)
    assert nvrtc.nvrtcGetProgramLog(program, log) == 0
    if status == 0:
        assert nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0 and size.value > 0
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return status == 0, log.value.decode()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.cu")), ids=lambda path: path.name)
def test_every_source_compiles(nvrtc, path, architecture):
    works, log = compile_for(nvrtc, path.read_text(encoding="utf-8"), path.name, architecture)
    assert works, log


@pytest.mark.parametrize("name", ["conv1d.cu", "encoder.cu", "decoder.cu", "decoder_folded.cu", "rescnn.cu", "lstm.cu"])
def test_tensor_cores_compile(nvrtc, name):
    works, log = compile_for(nvrtc, (FOLDER / name).read_text(encoding="utf-8"), name, "sm_80", tensor_cores=True)
    assert works, log


def test_a_mistake_is_found(nvrtc):
    works, log = compile_for(
        nvrtc, 'extern "C" __global__ void broken(float* y) { y[0] = nothing; }', "broken.cu", "sm_80"
    )
    assert not works and "nothing" in log
