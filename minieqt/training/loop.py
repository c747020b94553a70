"""The training loop, from top to bottom.

Whatever the loop needs to know lives in the network, the optimiser and a `Position`, and all three go into last.h5:
a run that was stopped, or killed, goes on from there to the same bits.
"""

from __future__ import annotations

import math
import time
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from minieqt.backend import array_module, device_of, mode
from minieqt.errors import UserError
from minieqt.parallel.communicator import Communicator
from minieqt.schedule import paper_schedule, warm_up_factor
from minieqt.training import checkpoint
from minieqt.training.checkpoint import Position
from minieqt.training.data_parallel import DataParallel
from minieqt.training.early_stopping import best_epoch, should_stop
from minieqt.training.graph_step import GraphStep
from minieqt.training.interrupt import Interrupt
from minieqt.training.progress import EpochProgress
from minieqt.weights import native

BEST, LAST, HISTORY, CURVES = "best.h5", "last.h5", "history.csv", "curves.png"


def train(
    model: Any,
    optimiser: Any,
    training: Any,
    validation: Any,
    position: Position,
    folder: Path,
    *,
    epochs: int,
    patience: int = 12,
    learning_rate: float = 1e-3,
    warm_up: float = 0.0,
    accumulate: int = 1,
    save_seconds: float = 600.0,
    communicator: Communicator | None = None,
    sync_batchnorm: bool = False,
) -> int | None:
    """Train from `position` until `epochs` are done or the validation loss stops improving.

    training, validation: loaders of batches with `number`, `x` and `labels` (B, 3, T), this rank's part of each. A
    step follows every `accumulate` batches. After every epoch the folder holds best.h5, last.h5, history.csv and
    curves.png; within an epoch last.h5 is renewed every `save_seconds`. Only rank 0 writes and prints.
    Returns the number of the signal that interrupted training, None if none did. UserError when a loss is not
    finite: the step is not taken (on a GPU, where a loss is read now and then, not saved), and the last good
    checkpoint stays.
    """
    ranks = DataParallel(model, communicator, sync_batchnorm)
    leads = ranks.communicator.rank == 0
    # One graph a step on a GPU; the readable code's products cannot be captured.
    captured = device_of(model.vector) == "cuda" and mode() == "fast"
    graph = GraphStep(model, optimiser, ranks, accumulate) if captured else None
    losses = position.history.column("validation_loss")
    saved = time.monotonic()
    with Interrupt(leads) as interrupt, np.errstate(all="ignore"):  # what is not finite is reported in words
        while position.epoch < epochs and not should_stop(losses, patience):
            epoch = position.epoch
            rate = optimiser.learning_rate = paper_schedule(epoch, learning_rate)
            model.train()
            with EpochProgress(f"epoch {epoch + 1}/{epochs}", len(training), position.batch, leads) as progress:
                batches = training.epoch(epoch, first_batch=position.batch)
                for first in batches:
                    progressed = epoch + (first.number + accumulate) / len(training)
                    optimiser.learning_rate = rate * warm_up_factor(progressed, warm_up)
                    batch, due = first, leads and time.monotonic() - saved > save_seconds
                    of_step = chain((first,), islice(batches, accumulate - 1))
                    if graph is None:
                        model.zero_gradients()
                        for batch in of_step:
                            ranks.add(batch.x, batch.labels)
                        loss, windows, signal = ranks.reduce(interrupt.signal)
                        taken = windows
                        check_finite(loss, model.gradient, position, learning_rate, folder)
                        if windows:
                            optimiser.step()
                    else:
                        taken = 0
                        for batch in of_step:
                            new, signal, due = graph(batch, interrupt.signal, due)
                            taken += new
                        graph.finish()
                        loss, windows = read_loss(graph, graph.due(), position, learning_rate, folder)
                    done = batch.number + 1 - position.batch
                    position.add_batch(batch.number, loss, windows)
                    progress.update(position.loss, taken, done)
                    if signal or due:
                        position.add_loss(*read_loss(graph, True, position, learning_rate, folder))
                        if leads:
                            checkpoint.save(folder / LAST, model, optimiser, position)
                        saved = time.monotonic()
                    if signal:
                        return signal
                position.add_loss(*read_loss(graph, True, position, learning_rate, folder))

            validation_loss, signal = validate(model, validation, interrupt, ranks.communicator)
            if signal:  # the epoch is saved at its end; resuming validates again
                if leads:
                    checkpoint.save(folder / LAST, model, optimiser, position)
                return signal
            check_finite(validation_loss, None, position, learning_rate, folder)

            position.history.add(
                epoch=epoch + 1,
                learning_rate=optimiser.learning_rate,
                loss=position.loss,
                penalty=optimiser.penalty(),
                validation_loss=validation_loss,
            )
            losses = position.history.column("validation_loss")
            line = (
                f"{progress.title}: loss {position.loss:.5f}, validation loss {validation_loss:.5f}, "
                f"learning rate {optimiser.learning_rate:g}, {progress.windows_per_second:.1f} windows/s"
            )
            position.finish_epoch()
            if leads:
                # best before last: a kill in between leaves a last.h5 that does this epoch again, to the same bits.
                if best_epoch(losses) == epoch:
                    native.save(folder / BEST, model)
                checkpoint.save(folder / LAST, model, optimiser, position)
                saved = time.monotonic()
                write_history(position, folder)
                print(line, flush=True)
    return interrupt.signal


def validate(model: Any, loader: Any, interrupt: Interrupt, communicator: Communicator) -> tuple[float, int | None]:
    """Mean loss of all ranks' windows, without dropout and with the running statistics; and the signal that any rank
    has caught, in which case it is the mean of what there is."""
    model.eval()
    loss_sum, windows, leads = 0.0, 0, communicator.rank == 0
    for batch in tqdm(loader.epoch(0), "validation", len(loader), leave=False, disable=None if leads else True):
        if len(batch.x):
            loss_sum += model.loss(batch.x, batch.labels) * len(batch.x)
            windows += len(batch.x)
        if interrupt.signal:
            break
    loss_sums, counts, signals = communicator.all_gather(loss_sum, windows, interrupt.signal or 0).T
    return float(loss_sums.sum() / counts.sum()), int(signals.max()) or None


def read_loss(
    graph: GraphStep | None, now: bool, position: Position, learning_rate: float, folder: Path
) -> tuple[float, int]:
    """The mean loss of a graph's steps since the last time, and their windows; nothing if there is none to read.

    UserError as in `check_finite`; it is the parameters that are looked at, the steps have been taken.
    """
    if graph is None or not now:
        return 0.0, 0
    loss, windows = graph.read_loss()
    check_finite(loss, graph.model.vector, position, learning_rate, folder, "a parameter")
    return loss, windows


def check_finite(
    loss: float, numbers: Any, position: Position, learning_rate: float, folder: Path, whose: str = "the gradient"
) -> None:
    """UserError, with what to try, if the loss or the numbers (the gradient's, the parameters') are not all finite."""
    if math.isfinite(loss) and (numbers is None or bool(array_module(numbers).isfinite(numbers).all())):
        return
    what = f"{whose} is not finite" if math.isfinite(loss) else f"the loss became {loss}"
    good = folder / LAST
    kept = f"{good} keeps the last good state" if good.exists() else "there is no good checkpoint yet"
    raise UserError(
        f"epoch {position.epoch + 1}, batch {position.batch + 1}: {what}, training stopped before it was saved and "
        f"{kept}; try a new run with a lower --learning-rate (it was {learning_rate:g})"
    )


def write_history(position: Position, folder: Path) -> None:
    """history.csv and curves.png, from the rows in `position`."""
    from minieqt.plots import learning_curves, save_figure

    if len(position.history):
        position.history.write(folder / HISTORY)
        save_figure(learning_curves(position.history), folder / CURVES)
