"""Return freed memory to the operating system.

glibc keeps freed memory below its limits (64 MiB at the end of a heap, and any hole in the middle) for later. A
program that reads, filters and runs a network over one day after another would keep a day's memory for each of these.
"""

from __future__ import annotations

import ctypes


def trim() -> None:
    """Let the C library return every free page; does nothing with another library than glibc."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another library; on Windows there is no CDLL(None)
        pass
