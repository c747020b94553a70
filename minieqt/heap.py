"""Memory that was freed goes back to the system, where that takes asking.

glibc keeps what was freed below its limits (64 MiB at the end of a heap, and any hole in the middle) for later. A
program that reads, filters and runs a network over one day after another would hold a day's leftovers of each kind.
"""

from __future__ import annotations

import ctypes


def trim() -> None:
    """Let the C library return every free page; nothing happens where it is not glibc."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another library; on Windows there is no CDLL(None)
        pass
