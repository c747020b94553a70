"""How long a thread that has no work waits busily before it sleeps.

GNU's OpenMP lets it spin for milliseconds, which is quickest where every core is free. Where another process wants the
core, the spinning thread keeps it from that process, or from the very thread that it waits for: on two cores with two
more busy processes a forward pass took six times as long as with short waits. Between two kernels pass some 20 µs, so
a thread that spins for about 50 µs still sees the next one coming.
"""

from __future__ import annotations

import contextlib
import importlib
import os

SPINS = "2000"  # of a few dozen nanoseconds each
SETTINGS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")  # the user's own are left alone


def wait_briefly() -> None:
    """Load Numba's OpenMP layer with short waits, unless the user has set them; nothing where it has no OpenMP.

    OpenMP reads the setting once, when it is loaded. It is taken back afterwards: no other library's threads, and no
    process that is started from here, shall wait otherwise than they would have.
    """
    if any(name in os.environ for name in SETTINGS):
        return
    os.environ["GOMP_SPINCOUNT"] = SPINS
    try:
        with contextlib.suppress(ImportError):
            importlib.import_module("numba.np.ufunc.omppool")
    finally:
        del os.environ["GOMP_SPINCOUNT"]
