"""Ctrl-C and SIGTERM as a request: finish the batch, save, then go."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """`with Interrupt() as interrupt:` the first signal sets `interrupt.signal`, the second acts as usual.

    Python can only set signal handlers in the main thread; elsewhere nothing is caught. All ranks
    catch the signal; only one prints a line.
    """

    def __init__(self, says_so: bool = True) -> None:
        self.says_so = says_so
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._request) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _request(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        self._restore()
        # os.write, because print may be what the signal has just interrupted.
        if self.says_so:
            os.write(2, b"\nfinishing this batch, then saving (once more: stop at once)\n")

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
