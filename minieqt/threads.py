"""How many threads the arithmetic uses."""

from __future__ import annotations

import os
import sys

from threadpoolctl import threadpool_limits


def available_threads() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(count: int) -> None:
    """Let BLAS and Numba use `count` threads, for the whole process.

    Sums may be added up in another order with another number of threads, so the last bits of a result depend on it.
    """
    threadpool_limits(count)
    if "numba" in sys.modules:
        from numba import config, set_num_threads

        set_num_threads(min(count, config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    else:
        os.environ["NUMBA_NUM_THREADS"] = str(count)
