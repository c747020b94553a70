"""Where a GPU cannot be had: one clear line for every reason."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import cupy_stand_in
import numpy as np
import pytest

from minieqt import device
from minieqt.errors import UserError


def test_the_processor_needs_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert device.array_module_for("cpu") is np
    device.require_gpus(0)


def test_a_gpu(monkeypatch):
    cupy = cupy_stand_in.install(monkeypatch)
    assert device.count_gpus() == 1
    assert device.array_module_for("cuda") is cupy


def test_without_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(UserError, match=r"a GPU needs CuPy \(pip install"):
        device.array_module_for("cuda")


@pytest.mark.parametrize(
    "machine, message",
    [
        ({"devices": 0}, "1 GPU asked for, and CUDA finds no GPU on this machine"),
        ({"driver": 0}, "1 GPU asked for, and CUDA finds no GPU on this machine"),
        ({"driver": 12020}, r"made for CUDA 13.0, the machine's driver knows 12.2: renew the driver, or install"),
    ],
)
def test_without_a_gpu(monkeypatch, machine, message):
    cupy_stand_in.install(monkeypatch, **machine)
    with pytest.raises(UserError, match=message):
        device.array_module_for("cuda")


def test_a_card_that_the_toolkit_has_left_behind(monkeypatch):
    """A V100 with CUDA 13; with CUDA 12 it is served."""
    cupy_stand_in.install(monkeypatch, capability="70")
    with pytest.raises(UserError, match=r"compute capability is 7.0, and CUDA 13 compiles for 7.5 .*'\.\[cuda12\]'"):
        device.array_module_for("cuda")
    cupy = cupy_stand_in.install(monkeypatch, capability="70", driver=12080, runtime=12080)
    assert device.array_module_for("cuda") is cupy


def test_tensor_cores(monkeypatch):
    device.require_tensor_cores(cupy_stand_in.install(monkeypatch, capability="80"))
    with pytest.raises(UserError, match=r"--tf32 needs a GPU of compute capability 8\.0 or later .* this one has 7\.5"):
        device.require_tensor_cores(cupy_stand_in.install(monkeypatch, capability="75"))


def test_the_compiler_of_numba(monkeypatch, tmp_path):
    """It is told where the toolkit is that CuPy has found; and a line says what to do where there is none."""
    cupy, found = cupy_stand_in.install(monkeypatch), []
    monkeypatch.delenv("CUDA_PATH", raising=False)
    monkeypatch.setenv("CUDA_HOME", "")
    (tmp_path / "nvvm").mkdir()
    monkeypatch.setattr(cupy.cuda, "get_cuda_path", lambda: str(tmp_path), raising=False)
    nvvm = SimpleNamespace(NVVM=lambda: found.append(os.environ.get("CUDA_HOME")))
    monkeypatch.setitem(sys.modules, "numba.cuda.cudadrv.nvvm", nvvm)
    device.require_nvvm(cupy)
    assert found == [str(tmp_path)]

    def missing():
        raise RuntimeError("libNVVM cannot be found.\nMore.")

    monkeypatch.setattr(nvvm, "NVVM", missing)
    with pytest.raises(UserError, match=r"does not find .*CUDA_HOME name .* It says: libNVVM cannot be found\.$"):
        device.require_nvvm(cupy)


def test_too_few(monkeypatch):
    cupy_stand_in.install(monkeypatch, devices=2)
    device.require_gpus(2)
    with pytest.raises(UserError, match="3 GPUs asked for, and this machine has 2"):
        device.require_gpus(3)


@pytest.mark.parametrize(
    "error, message",
    [
        (
            RuntimeError("CuPy failed to load libnvrtc.so.13"),
            "cannot work on this machine: CuPy failed to load libnvrtc",
        ),
        (MemoryError("Out of memory allocating 512 bytes"), "no memory left, not even for a few numbers"),
    ],
)
def test_a_cupy_that_cannot_compute(monkeypatch, error, message):
    cupy = cupy_stand_in.install(monkeypatch)

    def fails(*_):
        raise error

    monkeypatch.setattr(cupy, "arange", fails, raising=False)
    with pytest.raises(UserError, match=message):
        device.array_module_for("cuda")


def test_an_unknown_device():
    with pytest.raises(ValueError, match="one of cpu, cuda"):
        device.array_module_for("tpu")


def test_the_real_cupy_without_a_driver():
    cupy = pytest.importorskip("cupy", reason="CuPy is absent")
    if cupy.cuda.runtime.driverGetVersion():
        pytest.skip("this machine has a driver")
    assert device.count_gpus() == 0
