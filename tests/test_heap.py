"""What was freed is the system's again, where the C library can be asked."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from minieqt.heap import trim


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc")
def test_holes_go_back():
    kept = [np.ones(2**14, np.uint8) for _ in range(2 * 4096)]  # 128 MiB, too small a piece to be mapped by itself
    before = resident()
    del kept[::2]  # every other: holes of 16 KiB, which the library keeps
    left = resident()
    trim()
    assert left > before - 2**24
    assert resident() < left - 2**25


def test_another_library(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    trim()
