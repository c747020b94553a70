"""Batches on their way to a GPU while it still computes on the one before.

Memory that the system may move cannot be copied to a GPU while the processor does something else. So there are two
places of page-locked memory, and two on the device, used in turn: the processor fills one, a stream of its own copies
it, and events say when a place is free again and when its batch has arrived.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

PLACES = 2


class Place:
    """Page-locked and device memory for one batch, x and labels together (2, B, 3, T)."""

    def __init__(self, xp: Any, shape: tuple[int, ...]):
        count = int(np.prod(shape))
        self.memory = xp.cuda.alloc_pinned_memory(4 * count)
        self.locked = np.frombuffer(self.memory, np.float32, count).reshape(shape)
        self.device = xp.empty(shape, np.float32)
        self.arrived, self.consumed = xp.cuda.Event(), xp.cuda.Event()


class Transfer:
    """Copies batches for `stream`: `send` one, compute with what it returns on that stream, then say `consumed`."""

    def __init__(self, xp: Any, stream: Any):
        self.xp, self.computing = xp, stream
        self.copying = xp.cuda.Stream(non_blocking=True)
        self.places: list[Place] = []
        self.turn = 0
        self.place: Place | None = None

    def send(self, x: Array, labels: Array) -> tuple[Array, Array]:
        """x, labels (B, 3, T) float32 -> the same on the device; what is there already stays as it is."""
        if not isinstance(x, np.ndarray):
            self.place = None
            return x, labels
        if not self.places:
            self.places = [Place(self.xp, (2, *x.shape)) for _ in range(PLACES)]
        if x.shape != self.places[0].device.shape[1:]:
            self.place = None
            return self.xp.asarray(x), self.xp.asarray(labels)
        self.place = place = self.places[self.turn]
        self.turn = (self.turn + 1) % PLACES
        place.arrived.synchronize()  # what was in the locked memory has gone
        place.locked[0], place.locked[1] = x, labels
        self.copying.wait_event(place.consumed)
        place.device.set(place.locked, stream=self.copying)
        place.arrived.record(self.copying)
        self.computing.wait_event(place.arrived)
        return place.device[0], place.device[1]

    def consumed(self) -> None:
        """The computing stream needs the last batch no longer, once it has come to this point."""
        if self.place is not None:
            self.place.consumed.record(self.computing)
