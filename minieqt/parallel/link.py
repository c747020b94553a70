"""A link from a rank to its right neighbour: a slot of shared memory and a bell at either end.

    sender      waits until the slot is free, copies its numbers into it, rings
    receiver    waits for the bell, reads the numbers where they lie, rings back: the slot is free

The memory is a file without a name and the bells are a pair of connected sockets. Processes inherit both from the one
that started them, so nothing is left behind, whichever process is killed and when; and the end of a process closes its
sockets, so that a neighbour never waits for a rank that has died.
"""

from __future__ import annotations

import mmap
import os
import socket
import tempfile
from typing import Any

import numpy as np

Array = Any

CAPACITY = 2**20  # bytes of a slot: 2 ranks send the network's 1.5 MB of gradients in one piece


class Memory:
    """The shared memory of N ranks: `arrived`, how many calls each rank has begun, and a slot for each rank's link."""

    def __init__(self, descriptor: int, ranks: int):
        self.map = mmap.mmap(descriptor, self.bytes(ranks))
        self.arrived = np.frombuffer(self.map, np.int64, ranks)
        self.slots = np.frombuffer(self.map, np.uint8, ranks * CAPACITY, 8 * ranks).reshape(ranks, CAPACITY)

    @staticmethod
    def bytes(ranks: int) -> int:
        return ranks * (8 + CAPACITY)

    @staticmethod
    def create(ranks: int) -> int:
        """The descriptor of new memory, all zero, for this number of ranks."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("minieqt")
        else:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        os.ftruncate(descriptor, Memory.bytes(ranks))
        return descriptor


class Link:
    """One end of a link; the sender calls `send`, the receiver `receive` and `release`.

    TimeoutError where the other end does not answer in time, EOFError or ConnectionError where it has gone.
    """

    def __init__(self, slot: Array, bell: socket.socket):
        self.slot, self.bell, self.capacity = slot, bell, len(slot)
        self.free = True  # as far as the sender knows

    def send(self, numbers: Array, timeout: float | None) -> None:
        """Put a flat array of at most `capacity` bytes into the slot."""
        if not self.free:
            self._wait(timeout)
        self.slot[: numbers.nbytes] = numbers.view(np.uint8)
        self.free = False
        self.bell.send(b"!")

    def receive(self, like: Array, timeout: float | None) -> Array:
        """What the sender has put into the slot, of the length and type of `like`; valid until `release`."""
        self._wait(timeout)
        return self.slot[: like.nbytes].view(like.dtype)

    def release(self) -> None:
        """Let the slot be written again. It does not matter if the sender has gone by now."""
        try:
            self.bell.send(b".")
        except ConnectionError:
            pass

    def close(self) -> None:
        """Close this end."""
        self.bell.close()

    def _wait(self, timeout: float | None) -> None:
        self.bell.settimeout(timeout)
        if not self.bell.recv(1):
            raise EOFError
