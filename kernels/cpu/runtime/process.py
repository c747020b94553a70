"""What the kernels change in the process that they run in. MINIEQT_PROCESS=off leaves it as it is.

**Freed memory is kept**, so that the next batch finds its pages where the last one left them. A forward pass makes and
drops some sixty arrays of a few megabytes. glibc gives blocks of that size back to the operating system when they are
freed; getting them again means a page fault and a page of zeros for every 4 KB, which took a quarter of the time of
inference. With the settings below it keeps them: the process stays as large as its largest batch made it. Blocks of
more than 32 MiB are kept in training only, where every step needs the same ones (at batch 200 a tenth of its time); a
program that picks a month would keep the holes between them.

**Threads without work wait briefly.** GNU's OpenMP lets them spin for milliseconds, which is quickest where every core
is free. Where another process needs the core, the spinning thread keeps it from that process, or from the very thread
that it waits for: on two cores with two more busy processes a forward pass took six times as long as with short waits.
Some 20 µs pass between two kernels, so a thread that spins for about 50 µs is still spinning when the next one begins.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import os
import sys

SWITCH = "MINIEQT_PROCESS"

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4  # mallopt's names for them, from malloc.h
LARGEST_KEPT = 32 * 2**20  # bytes, the most that glibc accepts: a larger block is a mapping of its own, and given back
MAPPED = 0  # such mappings at most, if large blocks are to be kept too
KEPT_AT_THE_TOP = 2**30  # bytes

SPINS = "2000"  # of a few dozen nanoseconds each
SETTINGS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")  # the user's own are left alone


def left_alone() -> bool:
    """Whether the process's settings are not to be changed."""
    return os.environ.get(SWITCH, "").lower() in ("off", "0", "no")


@functools.cache
def keep_freed_memory(large: bool = False) -> bool:
    """Let glibc's allocator keep freed memory, large blocks too if asked; False with another C library."""
    if left_alone() or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = [(MMAP_THRESHOLD, LARGEST_KEPT), (TRIM_THRESHOLD, KEPT_AT_THE_TOP), (TOP_PAD, 64 * 2**20)]
    if large:
        settings.append((MMAP_MAX, MAPPED))
    return all([mallopt(option, value) == 1 for option, value in settings])


def wait_briefly() -> None:
    """Load Numba's OpenMP layer with short waits, unless the user has set them; does nothing if it has no OpenMP.

    OpenMP reads the setting once, when it is loaded. It is reset afterwards, so that it affects neither other
    libraries' threads nor processes that are started from here.
    """
    if left_alone() or any(name in os.environ for name in SETTINGS):
        return
    os.environ["GOMP_SPINCOUNT"] = SPINS
    try:
        with contextlib.suppress(ImportError):
            importlib.import_module("numba.np.ufunc.omppool")
    finally:
        del os.environ["GOMP_SPINCOUNT"]
