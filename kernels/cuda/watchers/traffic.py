"""What traffic.cpp counts, for Python: every launch inside `counted` is passed on, line by line."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import NamedTuple

from .. import on_host


class Moved(NamedTuple):
    """What one instruction has moved in a launch.

    requests: of warps. units: sectors of 32 bytes in device memory, or passes through shared memory; least: how many
    the same numbers would have taken side by side.
    """

    line: str
    shared: bool
    writes: bool
    requests: int
    units: int
    least: int


class Traffic(NamedTuple):
    """One launch. touched: bytes of device memory, every sector that is read counted once, and every one written."""

    kernel: str
    touched: int
    moved: list[Moved]


class Touch(NamedTuple):
    """One access of one thread. memory: 0 is shared memory, from 1 on the arrays in the kernel's order; bytes."""

    memory: int
    writes: bool
    offset: int
    bytes: int
    block: int
    thread: int


class Row(ctypes.Structure):
    """`Moved` of traffic.cpp."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("instruction", "memory", "write", "requests", "units", "least")]


class TouchRow(ctypes.Structure):
    """`Touch` of traffic.cpp."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("memory", "write", "offset", "bytes", "block", "thread")]


def counted(each: Callable[[Traffic], None]) -> AbstractContextManager[None]:
    """Count what kernels move on the host build; `each` launch is handed over when it has run."""
    return on_host.watched("traffic", lambda _, kernel, kernels: each(last_launch(kernel, kernels)))


def last_launch(kernel: str, kernels: ctypes.PyDLL) -> Traffic:
    """What the last launch of a library's kernels has moved."""
    kernels.traffic_rows.restype = ctypes.POINTER(Row)
    kernels.traffic_touched.restype = ctypes.c_uint64
    count = ctypes.c_size_t()
    rows = kernels.traffic_rows(ctypes.byref(count))
    moved = [
        Moved(line(kernels, row.instruction), row.memory == 0, bool(row.write), row.requests, row.units, row.least)
        for row in rows[: count.value]
    ]
    return Traffic(kernel, sum(kernels.traffic_touched(write) for write in (0, 1)), moved)


def last_touches(kernels: ctypes.PyDLL) -> list[Touch]:
    """The accesses of the last launch in their order; of a large one the first hundred thousand."""
    kernels.traffic_touches.restype = ctypes.POINTER(TouchRow)
    count = ctypes.c_size_t()
    rows = kernels.traffic_touches(ctypes.byref(count))
    return [
        Touch(row.memory, bool(row.write), row.offset, row.bytes, row.block, row.thread) for row in rows[: count.value]
    ]


@cache
def line(kernels: ctypes.PyDLL, instruction: int) -> str:
    """Where an instruction stands in the sources; it is asked for again and again."""
    return on_host.line_of(kernels, instruction)
