"""A rank that `launch` has started: its place in the ring, and its connection to the launcher.

The launcher passes everything on as open files, their numbers in one environment variable. Two of them are pipes. All
ranks write to `report`, one line each, and the launcher prints one of them. Nothing is written to `alive`: it ends when
the launcher does, and then every rank kills itself and whatever it has started.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Mapping

from minieqt.parallel.link import Link, Memory
from minieqt.parallel.ring import Ring

VARIABLE = "MINIEQT_RANK"
READY = "ready"  # what a rank reports first: from now on it handles signals itself


class Member(Ring):
    """A rank of a ring that a launcher has started and watches."""

    def __init__(self, place: Mapping[str, int]):
        rank, size = place["rank"], place["size"]
        for name in ("memory", "left", "right", "alive", "report"):
            os.set_inheritable(place[name], False)  # what this rank starts must not keep them open
        memory = Memory(place["memory"], size)
        left, right = (socket.socket(fileno=place[side]) for side in ("left", "right"))
        super().__init__(rank, size, memory, Link(memory.slots[rank - 1], left), Link(memory.slots[rank], right))
        self._alive, self._report = place["alive"], place["report"]
        threading.Thread(target=self._follow_the_launcher, daemon=True).start()
        self.report(READY)

    def report(self, line: str) -> None:
        """Tell the launcher why this rank ends."""
        text = f"{self.rank} {line}"
        try:
            os.write(self._report, text.encode()[:4000] + b"\n")  # less than 4096 bytes are written in one piece
        except BrokenPipeError:
            pass

    def _follow_the_launcher(self) -> None:
        os.read(self._alive, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)


def member() -> Member | None:
    """This process as a launcher's rank, None if it is no such rank. To be called once."""
    text = os.environ.pop(VARIABLE, None)
    return Member(json.loads(text)) if text else None
