"""The very same .cu files, compiled by g++ and run on the processor: how the kernels are tested without a GPU.

`on_host.h` takes the place of CUDA. It is too slow for training: a block's threads take turns. With MINIEQT_SANITIZE=1,
and Python started with AddressSanitizer's library preloaded, an index out of bounds ends the process with a report.
Inside `watched` every access to memory is checked for races, or counted with what it would cost (watchers/).
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from .sources import FOLDER, digest

COMPILER = "g++"
# DWARF 4: in the file tables of DWARF 5, addr2line takes a kernel's file for the one that includes it.
OPTIONS = ("-std=c++17", "-O1", "-g1", "-gdwarf-4", "-fPIC", "-w", f"-I{FOLDER}")
SANITIZE = ("-fsanitize=address,bounds", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
WATCHED = ("-fsanitize=thread", "-DWATCHED")
KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(")

_reversed = False
_watcher = ""  # a file of watchers/, without its ending
_after: Callable[[str, str, ctypes.PyDLL], None] | None = None


@contextmanager
def reversed_order() -> Iterator[None]:
    """Run threads and blocks from the last to the first. A result that changes by this may change between GPUs."""
    global _reversed
    _reversed = True
    try:
        yield
    finally:
        _reversed = False


@contextmanager
def watched(watcher: str, after: Callable[[str, str, ctypes.PyDLL], None] | None = None) -> Iterator[None]:
    """Let `races` or `traffic` see every access; `after` is called with file, kernel and library when one has run."""
    global _watcher, _after
    _watcher, _after = watcher, after
    try:
        yield
    finally:
        _watcher, _after = "", None


def available() -> bool:
    """Whether this machine has the compiler."""
    return shutil.which(COMPILER) is not None


def sanitizing() -> bool:
    """Whether the kernels are to be built with the sanitizers."""
    return os.environ.get("MINIEQT_SANITIZE", "") == "1"


def folder() -> Path:
    """Where the compiled files of these sources are kept; those of older sources are removed."""
    name = f"host-{digest()}"
    beside = FOLDER / "__pycache__"
    for older in beside.glob("host-*"):
        if older.name != name:
            shutil.rmtree(older, ignore_errors=True)
    path = beside / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def library(source: str, products: int = 0) -> ctypes.PyDLL:
    """The compiled kernels of one .cu file; RuntimeError with the compiler's message if it does not compile."""
    return built(source, products, _watcher)


@cache
def built(source: str, products: int, watcher: str) -> ctypes.PyDLL:
    """The same, cached. For a watcher it is compiled for ThreadSanitizer and linked with the watcher in its place."""
    text = (FOLDER / source).read_text(encoding="utf-8")
    kind = f"-tf32x{products}" * bool(products) + "-sanitized" * sanitizing() + f"-{watcher}" * bool(watcher)
    name = f"{Path(source).stem}-{hashlib.sha256(text.encode()).hexdigest()[:8]}{kind}.so"
    path = folder() / name
    if not path.exists():
        wrapped = [
            '#include "on_host.h"',
            f'#include "{source}"',
            *(f"ON_HOST({name})" for name in KERNEL.findall(text)),
        ]
        with tempfile.TemporaryDirectory(dir=path.parent) as made:
            written, compiled, linked = (Path(made) / name for name in ("wrapped.cpp", "wrapped.o", "kernels.so"))
            written.write_text("\n".join(wrapped) + "\n", encoding="utf-8")
            options = SANITIZE * sanitizing() + WATCHED * bool(watcher)
            header = f"-iquote{kept('on_host.h', *options, '-x', 'c++-header', name='on_host.h.gch').parent}"
            defined = (f"-DTF32={products}",) * bool(products)
            parts = [compiled, *([kept(f"watchers/{watcher}.cpp", "-O2", "-c", name="watcher.o")] if watcher else [])]
            compiler(source, header, *options, *defined, "-c", str(written), "-o", str(compiled))
            compiler(source, *SANITIZE * sanitizing(), "-shared", *map(str, parts), "-o", str(linked))
            os.replace(linked, path)
    return ctypes.PyDLL(str(path))


@cache
def kept(source: str, *options: str, name: str) -> Path:
    """What all kernels are compiled with, made once: the watchers, and on_host.h precompiled, which g++ then finds."""
    path = folder() / hashlib.sha256(" ".join((source, *options)).encode()).hexdigest()[:8] / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as made:
            compiler(source, *options, str(FOLDER / source), "-o", f"{made}/{name}")
            os.replace(f"{made}/{name}", path)
    return path


def compiler(source: str, *options: str) -> None:
    """One call of g++; RuntimeError with its message if it fails."""
    done = subprocess.run([COMPILER, *OPTIONS, *options], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{source} does not compile on the host:\n{done.stderr}")


def build_all() -> None:
    """Compile every .cu file, a few at a time, instead of each when it is first launched."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(library, sorted(path.name for path in FOLDER.glob("*.cu"))))


def line_of(kernels: ctypes.PyDLL, offset: int) -> str:
    """The place in the sources from which an instruction of a library comes, as name:line; "?" if it is not known.

    Of inlined functions it is the innermost that does not belong to the host build."""
    command = ["addr2line", "--inlines", "--exe", kernels._name, hex(offset)]
    lines = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    places = (Path(line.split(" ")[0]).name for line in lines)
    return next((place for place in places if not place.startswith("on_host.h")), "?")


def kind(argument: Any, wanted: str) -> str:
    """An argument's type as on_host.h spells it: f4* for an array of float32, i4 for an int32. None fits a pointer."""
    if argument is None:
        return wanted if wanted.endswith("*") else "null"
    return f"{argument.dtype.kind}{argument.dtype.itemsize}" + ("*" if isinstance(argument, np.ndarray) else "")


def as_c(argument: Any) -> Any:
    """An argument as ctypes holds it: an address, or a number of its own size."""
    if argument is None or isinstance(argument, np.ndarray):
        return ctypes.c_void_p(None if argument is None else argument.ctypes.data)
    return np.ctypeslib.as_ctypes_type(argument.dtype)(argument.item())


def run(
    source: str, kernel: str, grid: tuple, block: tuple, arguments: tuple, shared: int, products: int = 0
) -> None:
    """Run one kernel to its end. TypeError for arguments of the wrong types; RuntimeError if it fails."""
    kernels = library(source, products)
    signature = getattr(kernels, f"signature_{kernel}")
    signature.restype = ctypes.c_char_p
    wanted = signature().decode().split()
    pairs = zip_longest(arguments, wanted[: len(arguments)], fillvalue="")
    given = [kind(argument, type_) for argument, type_ in pairs]
    if wanted != given or len(wanted) != len(arguments):
        raise TypeError(f"{kernel} of {source} takes {' '.join(wanted)}, launched with {' '.join(given)}")
    values = [as_c(argument) for argument in arguments]
    places = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
    sizes = ((ctypes.c_uint * 3)(*numbers, *(1,) * (3 - len(numbers))) for numbers in (grid, block))
    kernels.reverse_order(int(_reversed))
    if _watcher:
        for array in arguments:
            if isinstance(array, np.ndarray):
                sizes_of = ctypes.c_size_t(array.nbytes), ctypes.c_size_t(array.itemsize)
                kernels.watch_array(ctypes.c_void_p(array.ctypes.data), *sizes_of)
    start = getattr(kernels, f"run_{kernel}")
    start.restype = ctypes.c_char_p
    problem = start(*sizes, ctypes.c_size_t(shared), places).decode()
    if problem:
        problem = re.sub(r"\{(\d+)\}", lambda offset: line_of(kernels, int(offset[1])), problem)
        raise RuntimeError(f"{kernel} of {source}: {problem}")
    if _after:
        _after(source, kernel, kernels)
