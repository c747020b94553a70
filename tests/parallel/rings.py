"""Rings whose ranks are threads: the same links and the same memory as between processes, in milliseconds."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from minieqt.parallel.link import Link, Memory
from minieqt.parallel.ring import Ring


def ring(size: int) -> list[Ring]:
    """The ranks of a ring, all of them in this process."""
    descriptor = Memory.create(size)
    memory = Memory(descriptor, size)
    os.close(descriptor)
    bells = [socket.socketpair() for _ in range(size)]
    return [
        Ring(
            rank,
            size,
            memory,
            Link(memory.slots[rank - 1], bells[rank - 1][1]),
            Link(memory.slots[rank], bells[rank][0]),
        )
        for rank in range(size)
    ]


def together(size: int, work: Callable[[Ring], Any], timeout: float = 20) -> list[Any]:
    """What `work(rank)` returns on every rank of a ring, each in a thread of its own; a rank that fails hangs up."""

    def run(rank: Ring) -> Any:
        rank.timeout = timeout
        try:
            return work(rank)
        finally:
            rank.close()

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(run, rank) for rank in ring(size)]
    return [future.result() for future in futures]
