"""What processes that have ended must not leave behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def shared_memory() -> set[str]:
    """The names of what lies in shared memory."""
    return set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()


def assert_nothing_left(pids: Iterable[int], before: set[str]) -> None:
    """Within twenty seconds none of the processes is alive, and no more lies in shared memory than `before`."""
    deadline = time.monotonic() + 20
    left = list(pids)
    while (any(map(alive, left)) or not shared_memory() <= before) and time.monotonic() < deadline:
        time.sleep(0.05)  # tests of other workers may have something there for a moment
    assert not any(map(alive, left))
    assert shared_memory() <= before
