"""Keep freed memory, so that the next batch finds its pages where the last one left them.

A forward pass makes and drops some sixty arrays of a few megabytes. glibc gives blocks of that size back to the
operating system when they are freed; getting them again means a page fault and a page of zeros for every 4 KB, which
took a quarter of the time of inference. Told otherwise it keeps them: the process stays as large as its largest batch
made it.
"""

from __future__ import annotations

import ctypes
import functools
import sys

TRIM_THRESHOLD, TOP_PAD, MMAP_MAX = -1, -2, -4  # mallopt's names for them, from malloc.h
MAPPED = 0  # blocks that have a mapping of their own, which goes back at once when they are freed
KEPT_AT_THE_TOP = 2**30  # bytes


@functools.cache
def keep_freed_memory() -> bool:
    """Set glibc's allocator so, once; False where the C library is another one."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((MMAP_MAX, MAPPED), (TRIM_THRESHOLD, KEPT_AT_THE_TOP), (TOP_PAD, 64 * 2**20))
    return all([mallopt(option, value) == 1 for option, value in settings])
