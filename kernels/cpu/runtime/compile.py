"""How the kernels are compiled: once for this processor and this source, then kept on disk.

To decide whether a stored kernel is still valid Numba looks only at the file that defines it, but kernels here are made
of pieces from several files. So a digest of all of them is part of the cache folder's name: change one, and everything
is compiled anew. The package's name is part of it too, because stored kernels name the modules they are from (`kernels`
in a checkout, `minieqt_kernels` once installed). The folder is beside the sources, or in the user's cache where those
cannot be written; where neither can, every process compiles for itself.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import config, njit

from ...user_cache import user_cache
from .process import wait_briefly

SOURCES = Path(__file__).parents[1]
PACKAGE = __name__.partition(".")[0]
wait_briefly()  # before the first kernel starts the threads
# NumPy's rule for x / 0, because Python's (an exception) puts a branch into every loop that divides.
OPTIONS: dict[str, Any] = {"cache": True, "fastmath": True, "nogil": True, "error_model": "numpy"}


@cache
def cache_folder() -> Path | None:
    """The folder for kernels compiled from these very sources, None if there can be none; older ones are removed."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.parent.glob("*/**/*.py")):
        if "cuda" not in source.relative_to(SOURCES.parent).parts:  # nothing there is Numba's
            digest.update(source.read_bytes())
    name = f"{PACKAGE}-{digest.hexdigest()[:16]}"
    beside = SOURCES / "__pycache__"
    try:
        beside.mkdir(exist_ok=True)
        writable = os.access(beside, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        folder = user_cache()
        return folder / name if folder is not None else None
    for older in beside.glob(f"{PACKAGE}-*"):
        if older.name != name:
            shutil.rmtree(older, ignore_errors=True)
    return beside / name


def _compiled(function: Callable, **options: Any) -> Any:
    before = config.CACHE_DIR  # type: ignore[attr-defined]
    if not before:  # a folder that the user chose (NUMBA_CACHE_DIR) stays chosen
        config.CACHE_DIR = str(cache_folder() or "")  # type: ignore[attr-defined]
        options["cache"] = cache_folder() is not None
    try:
        return njit(**OPTIONS | options)(function)
    finally:
        config.CACHE_DIR = before  # type: ignore[attr-defined]


def compiled(function: Callable) -> Any:
    """Compile a function when it is first called with a type of arguments."""
    return _compiled(function)


def compiled_parallel(function: Callable) -> Any:
    """The same, with its `prange` loops shared out to threads."""
    return _compiled(function, parallel=True)


def compiled_exactly(function: Callable) -> Any:
    """The same as `compiled`, but with arithmetic exactly as written: the same numbers on every machine."""
    return _compiled(function, fastmath=False)
