"""Batches are copied to a GPU while it still computes on the one before.

Pageable memory cannot be copied to a GPU while the processor does something else. So there are two places of
page-locked memory, and two on the device, used in turn: the processor fills one, a stream of its own copies it, and
events say when a place is free again and when its batch has arrived. Full batches and an epoch's last one have their
own; batches of any other size are copied while the processor waits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

PLACES, SIZES = 2, 2


class Place:
    """Page-locked and device memory for `count` arrays of one shape and type."""

    def __init__(self, xp: Any, count: int, like: Array):
        shape = (count, *like.shape)
        numbers = int(np.prod(shape))
        self.memory = xp.cuda.alloc_pinned_memory(like.itemsize * numbers)
        self.locked = np.frombuffer(self.memory, like.dtype, numbers).reshape(shape)
        self.device = xp.empty(shape, like.dtype)
        self.arrived, self.consumed = xp.cuda.Event(), xp.cuda.Event()


class Transfer:
    """Copies batches for `stream`: `send` one, compute with what it returns on that stream, then say `consumed`."""

    def __init__(self, xp: Any, stream: Any):
        self.xp, self.computing = xp, stream
        self.copying = xp.cuda.Stream(non_blocking=True)
        self.places: dict[tuple, list[Place]] = {}  # by how many arrays there are, of which shape
        self.turn = 0
        self.place: Place | None = None

    def send(self, *arrays: Array) -> tuple[Array, ...]:
        """Arrays of one shape and type -> the same on the device; what is there already stays as it is."""
        first, kind = arrays[0], (len(arrays), *arrays[0].shape)
        self.place = None
        if not isinstance(first, np.ndarray):
            return arrays
        if kind not in self.places and len(self.places) < SIZES:
            self.places[kind] = [Place(self.xp, len(arrays), first) for _ in range(PLACES)]
            for place in self.places[kind]:  # what had the memory before may still be computed with
                place.consumed.record(self.computing)
        if kind not in self.places:
            return tuple(self.xp.asarray(array) for array in arrays)
        self.turn = (self.turn + 1) % PLACES
        self.place = place = self.places[kind][self.turn]
        place.arrived.synchronize()  # what was in the locked memory has gone
        for locked, array in zip(place.locked, arrays, strict=True):
            locked[...] = array
        self.copying.wait_event(place.consumed)
        place.device.set(place.locked, stream=self.copying)
        place.arrived.record(self.copying)
        self.computing.wait_event(place.arrived)
        return tuple(place.device[i] for i in range(len(arrays)))

    def consumed(self) -> None:
        """From this point on the computing stream no longer needs the last batch."""
        if self.place is not None:
            self.place.consumed.record(self.computing)
