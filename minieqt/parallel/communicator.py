"""The calls by which ranks exchange arrays, and a single rank's.

N processes train together; each has a number, its rank, from 0 to N - 1. All of them run the same program, and all of
them make the same calls in the same order: a call is complete when every rank has made it. Only flat arrays are sent;
nothing here depends on layers.

    all_reduce      every rank's array becomes  Σ_r array_r,  in place, the same bits on every rank
    broadcast       every rank's array becomes the root's
    barrier         no rank goes on before all have come

Ring (ring.py), MPI (mpi.py) and NCCL (nccl.py) are three ways to do it, Solo is the fourth.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from minieqt.errors import UserError

Array = Any  # numpy.ndarray, or cupy.ndarray where the communicator accepts it


class RankLost(UserError):
    """Another rank has died, or has not come within the time-out: nothing more can be added up."""


class Communicator(ABC):
    """One rank's connection to the others. Subclasses write `all_reduce` and `broadcast`.

    local_rank of local_size: the place among the ranks of this machine, which share its processors and devices.
    timeout: seconds to wait for another rank, None for as long as it takes (reading a large data set, compiling).
    """

    def __init__(self, rank: int, size: int, local_rank: int | None = None, local_size: int | None = None):
        self.rank, self.size = rank, size
        self.local_rank = rank if local_rank is None else local_rank
        self.local_size = size if local_size is None else local_size
        self.timeout: float | None = None

    @abstractmethod
    def all_reduce(self, array: Array) -> None:
        """Add up a contiguous array over all ranks, in place, to the same bits everywhere. RankLost."""

    @abstractmethod
    def broadcast(self, array: Array, root: int = 0) -> None:
        """Copy the root's contiguous array into every rank's. RankLost."""

    def launched(self) -> None:  # noqa: B027 (only NCCL has a clock of its own to start)
        """To be called after launching a CUDA graph with all-reduces: whatever waits for it waits for all ranks."""

    def close(self) -> None:  # noqa: B027 (not every kind holds something)
        """Release everything that the connection holds."""

    def report(self, line: str) -> None:
        """Say why this rank ends, as it is about to; of several ranks' reports the user sees the first."""
        print(line, file=sys.stderr)

    def barrier(self) -> None:
        """Wait for every rank. RankLost."""
        self.all_reduce(np.zeros(1))

    def all_gather(self, *numbers: float) -> Array:
        """Every rank's numbers: (ranks, len(numbers)) float64. A sum in which all others are zero. RankLost."""
        table = np.zeros((self.size, len(numbers)))
        table[self.rank] = numbers
        self.all_reduce(table)
        return table

    def broadcast_text(self, text: str | None = None, root: int = 0) -> str:
        """The root's text, on every rank. RankLost."""
        data = np.frombuffer((text or "").encode(), np.uint8).copy()
        length = np.array([len(data)])
        self.broadcast(length, root)
        if self.rank != root:
            data = np.empty(length[0], np.uint8)  # the root's length by now
        self.broadcast(data, root)
        return data.tobytes().decode()


class Solo(Communicator):
    """The only rank: every sum has one term."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def all_reduce(self, array: Array) -> None:
        """A sum of one term."""

    def broadcast(self, array: Array, root: int = 0) -> None:
        """There is no other rank to copy to."""
