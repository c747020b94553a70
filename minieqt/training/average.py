"""A running average of the weights: the network of the last few hundred steps instead of the last alone.

    a ← a + (1 - d_t) (θ - a),      d_t = min(d, (1 + t) / (10 + t))

after step t, for the parameters and for BatchNorm's running statistics. The weights scatter about a good solution,
above all while the learning rate is high or windows are few; their mean lies nearer to it (Polyak & Juditsky 1992).
With d = 0.999 it reaches back about a thousand steps; d_t is smaller at first, so that the initial weights are
forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minieqt.backend import array_module
from minieqt.updates import update_running

Array = Any


class Average:
    """The average of one network's weights, with the decay d."""

    def __init__(self, model: Any, decay: float):
        self.decay = decay
        self.live = model.vector, model.statistics_vector
        self.vector, self.statistics = (array.copy() for array in self.live)

    def update(self, step: int) -> None:
        """Take in the weights after `step`, counted from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        update_running(self.vector, (self.vector, self.statistics), self.live, 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the network has the average's weights; afterwards its own again, to the bit."""
        own = [array.copy() for array in self.live]
        self._put(self.vector, self.statistics)
        try:
            yield
        finally:
            self._put(*own)

    def _put(self, *arrays: Array) -> None:
        for place, array in zip(self.live, arrays, strict=True):
            place[...] = array

    def state(self) -> dict[str, Array]:
        """What a checkpoint stores."""
        return {"vector": self.vector, "statistics": self.statistics}

    def load(self, state: dict[str, Array]) -> None:
        """Restore a stored state."""
        for name, array in self.state().items():
            array[...] = array_module(array).asarray(state[name])
