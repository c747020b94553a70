"""Keep freed memory, so that the next batch finds its pages where the last one left them.

A forward pass makes and drops some sixty arrays of a few megabytes. glibc gives blocks of that size back to the
operating system when they are freed; getting them again means a page fault and a page of zeros for every 4 KB, which
took a quarter of the time of inference. Told otherwise it keeps them: the process stays as large as its largest batch
made it. Blocks of more than 32 MiB are kept in training only, where every step wants the same ones (at batch 200 a
tenth of its time); a program that picks a month would keep the holes between them.
"""

from __future__ import annotations

import ctypes
import functools
import sys

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4  # mallopt's names for them, from malloc.h
LARGEST_KEPT = 32 * 2**20  # bytes, the most that glibc accepts: a larger block has a mapping of its own, given back
MAPPED = 0  # such blocks at most, where all are to be kept
KEPT_AT_THE_TOP = 2**30  # bytes


@functools.cache
def keep_freed_memory(large: bool = False) -> bool:
    """Set glibc's allocator so, once, for large blocks too if asked; False where the C library is another one."""
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = [(MMAP_THRESHOLD, LARGEST_KEPT), (TRIM_THRESHOLD, KEPT_AT_THE_TOP), (TOP_PAD, 64 * 2**20)]
    if large:
        settings.append((MMAP_MAX, MAPPED))
    return all([mallopt(option, value) == 1 for option, value in settings])
