"""The ring all-reduce, written out: a sum over all ranks, in which each rank exchanges data with two neighbours only.

N ranks form a ring and send to the right. Each cuts the array of L numbers into N chunks c_0 … c_{N-1}. First each
chunk travels round the ring and every rank adds its own (reduce-scatter), then the finished chunks travel round once
more and are copied (all-gather). In step s = 0 … N - 2, with chunk numbers modulo N:

    reduce-scatter     rank r sends chunk r - s,       receives chunk r - s - 1 and adds its own to it
    all-gather         rank r sends chunk r + 1 - s,   receives chunk r - s in place of its own

For N = 3, what each rank holds of c_0 c_1 c_2 (a, b, c: the terms of rank 0, 1, 2), about to send what is in brackets:

                             rank 0               rank 1               rank 2
    reduce-scatter, s = 0    [a]  a    a          b   [b]   b          c    c   [c]
                    s = 1     a   a   [ca]       [ab]  b    b          c   [bc]  c
    all-gather,     s = 0     a  [bca] ca         ab   b   [cab]      [abc] bc   c
                    s = 1   [abc] bca  ca         ab  [bca] cab        abc  bc  [cab]
    done                     abc  bca  cab        abc  bca  cab        abc  bca  cab

A chunk is added up along one path, in one order, and then copied: all ranks hold the same bits, and again in every
run. A rank sends 2 (N - 1) chunks of L / N numbers: less than the array twice, whatever N is, and no all-reduce can
send less (Patarasuk & Yuan 2009). The price is 2 (N - 1) steps that wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minieqt.parallel.communicator import Communicator, RankLost
from minieqt.parallel.link import Link, Memory

Array = Any


class Ring(Communicator):
    """A rank between two links: `left` brings what its left neighbour sends, `right` takes what it sends itself."""

    def __init__(self, rank: int, size: int, memory: Memory, left: Link, right: Link):
        super().__init__(rank, size)
        self.memory, self.left, self.right = memory, left, right

    def all_reduce(self, array: Array) -> None:
        """Add up a contiguous array over all ranks, in place, to the same bits everywhere. RankLost."""
        for piece in self._pieces(array, self.size):
            self._all_reduce(piece)

    def _all_reduce(self, flat: Array) -> None:
        N, r, L = self.size, self.rank, len(flat)
        chunk = [flat[L * i // N : L * (i + 1) // N] for i in range(N)]  # some are empty if L < N
        for s in range(N - 1):  # reduce-scatter
            self._send(chunk[(r - s) % N])
            mine = chunk[(r - s - 1) % N]
            with self._received(mine) as incoming:
                np.add(incoming, mine, out=mine)
        for s in range(N - 1):  # all-gather
            self._send(chunk[(r + 1 - s) % N])
            mine = chunk[(r - s) % N]
            with self._received(mine) as incoming:
                mine[...] = incoming

    def broadcast(self, array: Array, root: int = 0) -> None:
        """Copy the root's contiguous array into every rank's, from neighbour to neighbour. RankLost."""
        for piece in self._pieces(array, 1):
            if self.rank != root:
                with self._received(piece) as incoming:
                    piece[...] = incoming
            if (self.rank + 1) % self.size != root:
                self._send(piece)

    def close(self) -> None:
        """Close both links; a neighbour that still waits for this rank notices."""
        self.left.close()
        self.right.close()

    def _pieces(self, array: Array, chunks: int) -> Iterator[Array]:
        """The array, flat, in pieces whose `chunks` chunks each fit into a link. ValueError if it has gaps."""
        if not array.flags.c_contiguous:
            raise ValueError("only a contiguous array can be sent")
        self.memory.arrived[self.rank] += 1
        flat = array.reshape(-1)
        most = chunks * (self.right.capacity // array.itemsize)
        yield from (flat[start : start + most] for start in range(0, len(flat), most))

    def _send(self, chunk: Array) -> None:
        with self._heard_from((self.rank + 1) % self.size):
            self.right.send(chunk, self.timeout)

    @contextmanager
    def _received(self, like: Array) -> Iterator[Array]:
        with self._heard_from((self.rank - 1) % self.size):
            incoming = self.left.receive(like, self.timeout)
        yield incoming
        self.left.release()

    @contextmanager
    def _heard_from(self, neighbour: int) -> Iterator[None]:
        """Turn a broken or silent link into RankLost, which names the rank that is late or gone."""
        try:
            yield
        except TimeoutError:
            arrived = self.memory.arrived
            late = [str(rank) for rank in range(self.size) if arrived[rank] < arrived[self.rank]]
            missing = ", ".join(late) or str(neighbour)
            raise RankLost(
                f"rank {missing} of {self.size} has not come for {self.timeout:g} s: it hangs, or is far too slow"
            ) from None
        except (ConnectionError, EOFError):
            raise RankLost(f"rank {neighbour} of {self.size} has gone") from None
