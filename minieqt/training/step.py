"""One training step: the batches of a step in, new parameters out.

Two classes have this interface and give the same bits: `Step`, here, computes what it says, line by line; `GraphStep`
(graph_step.py) runs the same step as one CUDA graph, without waiting for the loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from minieqt.adam import Adam
from minieqt.backend import array_module
from minieqt.model import EQTransformer
from minieqt.training.data_parallel import DataParallel

Array = Any


class NotFinite(Exception):
    """A loss, a gradient or a parameter is not finite; the text says which."""


class Taken(NamedTuple):
    """What is known of a step when it has been taken, or launched. The same on every rank but for `due` of `Step`."""

    number: int  # of its last batch
    windows: int  # of all ranks; 0: nothing could be read, and no step was taken
    signal: int | None  # that any rank has caught
    due: bool  # whether a rank wants to save


class Step:
    """A step on any machine, as one of `ranks`."""

    stream: AbstractContextManager[Any] = nullcontext()  # where whatever follows the step is to be computed

    def __init__(self, model: EQTransformer, optimiser: Adam, ranks: DataParallel):
        self.model, self.optimiser, self.ranks = model, optimiser, ranks
        self.loss = 0.0, 0

    def take(self, batches: Iterable[Any], signal: int | None = None, due: bool = False) -> Taken:
        """Add up the gradients of the batches and step along their mean. NotFinite: the step has not been taken."""
        self.model.zero_gradients()
        for batch in batches:
            self.ranks.add(batch.x, batch.labels)
        loss, windows, signal = self.ranks.reduce(signal)
        check_finite(loss, self.model.gradient, "the gradient")
        if windows:
            self.optimiser.step()
        self.loss = loss, windows
        return Taken(batch.number, windows, signal, due)

    def read_loss(self, now: bool = True) -> tuple[float, int]:
        """The mean loss of the windows since the last call, and how many; not `now`: only if it costs nothing."""
        loss, self.loss = self.loss, (0.0, 0)
        return loss


def check_finite(loss: float, numbers: Array | None = None, whose: str = "") -> None:
    """NotFinite if the loss or one of the numbers is not finite."""
    if not math.isfinite(loss):
        raise NotFinite(f"the loss became {loss}")
    if numbers is not None and not bool(array_module(numbers).isfinite(numbers).all()):
        raise NotFinite(f"{whose} is not finite")
