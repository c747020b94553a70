"""The real network on short windows, and batches that are drawn instead of read: the loop in milliseconds."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from minieqt.adam import Adam
from minieqt.data.loader import Batch
from minieqt.model import EQTransformer
from minieqt.training import checkpoint
from minieqt.training.average import Average
from minieqt.training.checkpoint import Position
from minieqt.training.loop import train

LENGTH = 256


class Batches:
    """A loader of `count` batches whose windows depend on (epoch, batch) only. `on_batch(epoch, number)` is called
    before each, to interrupt or to spoil it (by returning a number to multiply with)."""

    def __init__(self, count: int = 3, size: int = 2, on_batch: Any = None, missing: tuple[int, ...] = ()):
        self.count, self.size, self.on_batch, self.missing = count, size, on_batch, missing

    def __len__(self) -> int:
        return self.count

    def analyst(self, rows: Any) -> Any:
        """Noise, all of it: what the network picks is wrong."""
        return np.zeros(len(rows), bool), *np.full((2, len(rows)), np.nan)

    def epoch(self, epoch: int, first_batch: int = 0) -> Any:
        for number in range(first_batch, self.count):
            if number in self.missing:
                continue
            factor = self.on_batch(epoch, number) if self.on_batch else None
            rng = np.random.default_rng([epoch, number])
            x = rng.standard_normal((self.size, 3, LENGTH)).astype(np.float32)
            labels = (np.abs(x) > 2).astype(np.float32)
            x *= np.float32(1 if factor is None else factor)
            yield Batch(x, labels, np.arange(self.size), number)


def run_small(
    folder: Path,
    training: Any = None,
    validation: Any = None,
    resume: bool = False,
    device: str = "cpu",
    average: float = 0.0,
    **options: Any,
) -> SimpleNamespace:
    """One call of `train` as train.py makes it: built afresh, loaded from last.h5 if `resume`."""
    folder.mkdir(exist_ok=True)
    model = EQTransformer(1, seed=3, length=LENGTH).to(device)
    optimiser, averaged = Adam(model), Average(model, average) if average else None
    position = checkpoint.load(folder / "last.h5", model, optimiser, averaged) if resume else Position()
    signal = train(
        model,
        optimiser,
        training or Batches(),
        validation or Batches(1),
        position,
        folder,
        average=averaged,
        **({"epochs": 2} | options),
    )
    return SimpleNamespace(model=model, optimiser=optimiser, position=position, signal=signal)
