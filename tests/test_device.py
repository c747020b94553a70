"""Where a GPU cannot be had: one clear line for every reason."""

from __future__ import annotations

import sys

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
