"""Everything a run needs to go on as if it had never stopped, in one file.

last.h5 is a weight file (minieqt/weights/native.py: parameters and BatchNorm statistics) with one more group,
`training`: Adam's moments and step count, the weights' average if there is one, the dropout masks' step, the place in
the schedule, and the history. One file, renamed into place, because a kill between two files would leave weights and
optimiser of different times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minieqt.errors import UserError
from minieqt.training.average import Average
from minieqt.training.history import History
from minieqt.weights import native


@dataclass
class Position:
    """How far a run has come: finished epochs, and the sums of the current epoch so far."""

    epoch: int = 0
    batch: int = 0  # the number of this epoch's next batch
    windows: int = 0
    loss_sum: float = 0.0  # Σ loss × windows over the batches done
    history: History = field(default_factory=History)

    def add_batch(self, number: int, loss: float, windows: int) -> None:
        """Batch `number` of this epoch is done. Numbers may leave gaps: a batch of bad traces is never seen."""
        self.batch = number + 1
        self.add_loss(loss, windows)

    def add_loss(self, loss: float, windows: int) -> None:
        """The mean loss of so many more windows of this epoch."""
        self.windows += windows
        self.loss_sum += loss * windows

    def finish_epoch(self) -> None:
        """On to the next epoch, at its first batch."""
        self.epoch, self.batch, self.windows, self.loss_sum = self.epoch + 1, 0, 0, 0.0

    @property
    def loss(self) -> float:
        """Mean loss of the epoch's windows so far."""
        return self.loss_sum / self.windows if self.windows else 0.0


def save(
    path: Path,
    model: Any,
    optimiser: Any,
    position: Position,
    average: Average | None = None,
    attributes: Mapping[str, str] | None = None,
) -> None:
    """Write network, optimiser, position, the weights' average if there is one, and texts, whole or not at all."""
    averages = {f"training/average/{name}": value for name, value in (average.state() if average else {}).items()}
    adam = {f"training/adam/{name}": value for name, value in optimiser.state().items()}
    training = {
        "training/dropout_step": model.randomness.step,
        "training/epoch": position.epoch,
        "training/batch": position.batch,
        "training/windows": position.windows,
        "training/loss_sum": position.loss_sum,
        "training/history": position.history.array(),
    }
    native.save(path, model, adam | training | averages, attributes=attributes)


def load(path: Path, model: Any, optimiser: Any, average: Average | None = None) -> Position:
    """Put a saved run into `model`, `optimiser` and `average`, and say where it was.

    UserError if the file is missing or truncated, if it holds weights only, or if it is of another architecture.
    """
    contents = native.read(path)
    if contents.config != model.config:
        there, here = contents.config, model.config
        name = next(name for name in [*here, *there] if there.get(name) != here.get(name))
        raise UserError(
            f"{path} is a checkpoint of another architecture: "
            f"{name} is {there.get(name)} there and {here.get(name)} here"
        )
    saved = {name.removeprefix("training/"): value for name, value in contents.extra.items()}
    try:
        model.load(contents.arrays)
        optimiser.load({name: saved[f"adam/{name}"] for name in optimiser.state()})
        if average:
            average.load({name: saved[f"average/{name}"] for name in average.state()})
        model.randomness.step = int(saved["dropout_step"])
        return Position(
            int(saved["epoch"]),
            int(saved["batch"]),
            int(saved["windows"]),
            float(saved["loss_sum"]),
            History(saved["history"]),
        )
    except KeyError as error:
        raise UserError(f"{path} holds weights but no {error} of training: resume from last.h5") from error
    except ValueError as error:
        raise UserError(f"{path} does not fit this network: {error}") from error
