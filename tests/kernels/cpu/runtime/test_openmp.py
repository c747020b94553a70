"""Threads that wait briefly: the setting is there when OpenMP is loaded, and gone afterwards."""

from __future__ import annotations

import importlib
import os

import pytest

from kernels.cpu.runtime.openmp import SETTINGS, SPINS, wait_briefly


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
