"""Training does not grow: the memory of a step is the memory of the next."""

from __future__ import annotations

import platform
import resource

import numpy as np
import pytest

from kernels.cpu.runtime.allocator import keep_freed_memory
from minieqt import EQTransformer


def peak() -> int:
    """The largest resident size of this process so far, in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_no_growth_from_step_to_step():
    model = EQTransformer()
    x = np.zeros((8, 3, 6000), np.float32)
    peaks = []
    for _ in range(8):
        model.train()
        model.loss(x, x)
        model.backward()
        peaks.append(peak())
    assert peaks[-1] - peaks[3] < 2000  # KB; a leaked activation of one stage would be 1500 a step


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator can be told")
def test_the_allocator_takes_the_settings():
    assert keep_freed_memory() and keep_freed_memory(large=True)
