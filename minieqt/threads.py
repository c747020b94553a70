"""How many threads the arithmetic uses."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def available_threads() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(count: int) -> None:
    """Let the kernels (Numba) use `count` threads and BLAS one, for the whole process.

    The readable code multiplies thousands of small matrices, a few microseconds each. BLAS gains nothing from a second
    thread there, and while other processes are busy its waiting threads make everything several times slower. One
    thread also fixes the order of its sums, and so the last bits of a result.
    """
    with suppress(ModuleNotFoundError):  # a machine that only serves its GPU may lack it; the kernels need no BLAS
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")
    if "numba" in sys.modules:
        from numba import config, set_num_threads

        set_num_threads(min(count, config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    else:
        os.environ["NUMBA_NUM_THREADS"] = str(count)
