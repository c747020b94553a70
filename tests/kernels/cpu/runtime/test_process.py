"""What the kernels change in their process: memory that is kept and does not grow, threads that wait briefly."""

from __future__ import annotations

import importlib
import os
import platform

import numpy as np
import pytest
from machine import forget_peak, peak_mib

from kernels.cpu.runtime.process import SETTINGS, SPINS, SWITCH, keep_freed_memory, wait_briefly
from minieqt import EQTransformer


def test_no_growth_from_step_to_step():
    model = EQTransformer()
    x = np.zeros((8, 3, 6000), np.float32)
    peaks = []
    for _ in range(8):
        model.train()
        model.loss(x, x)
        model.backward()
        peaks.append(peak_mib())
        forget_peak()  # another test may have had more
    assert peaks[-1] - peaks[3] < 2  # MiB; a leaked activation of one stage would be 1.5 a step


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator can be told")
def test_the_allocator_takes_the_settings():
    assert keep_freed_memory() and keep_freed_memory(large=True)


def test_a_switch_leaves_the_process_alone(loaded, monkeypatch):
    monkeypatch.setenv(SWITCH, "off")
    wait_briefly()
    assert not loaded and not keep_freed_memory.__wrapped__()


@pytest.fixture
def loaded(monkeypatch):
    """What was loaded, with which setting in force."""
    seen = []
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(importlib, "import_module", lambda name: seen.append((name, os.environ.get("GOMP_SPINCOUNT"))))
    return seen


def test_the_setting_is_there_for_openmp_only(loaded):
    wait_briefly()
    assert loaded == [("numba.np.ufunc.omppool", SPINS)]
    assert "GOMP_SPINCOUNT" not in os.environ


@pytest.mark.parametrize("name", SETTINGS)
def test_the_users_own_setting_stays(loaded, monkeypatch, name):
    monkeypatch.setenv(name, "active")
    wait_briefly()
    assert not loaded and os.environ[name] == "active"


def test_no_openmp(loaded, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    wait_briefly()
    assert "GOMP_SPINCOUNT" not in os.environ
