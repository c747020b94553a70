"""End a process that waits too long: what hangs inside a library cannot be interrupted, only ended."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TICK = 0.2  # seconds between two looks at the clock


class Watchdog:
    """Calls `expired(seconds)`, and then ends the process, when `stop` has not come `seconds` after `start`."""

    def __init__(self, expired: Callable[[float], None], end: Callable[[int], object] = os._exit):
        self._expired, self._end = expired, end
        self._due: tuple[float, float] | None = None  # when, and after how many seconds
        threading.Thread(target=self._watch, daemon=True).start()

    def start(self, seconds: float | None) -> None:
        """Start the clock anew; None stops it."""
        self._due = None if seconds is None else (time.monotonic() + seconds, seconds)

    def stop(self) -> None:
        """Stop the clock."""
        self._due = None

    @contextmanager
    def watching(self, seconds: float | None) -> Iterator[None]:
        """`start`, the block, `stop`."""
        self.start(seconds)
        try:
            yield
        finally:
            self.stop()

    def _watch(self) -> None:
        while True:
            time.sleep(TICK)
            due = self._due
            if due is not None and time.monotonic() > due[0]:
                self._expired(due[1])
                self._end(2)
                return
