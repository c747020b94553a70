"""The training loop, from top to bottom.

The whole state is in the network, the optimiser and a `Position`, and all three go into last.h5: a run that was
stopped, or killed, goes on from there to the same bits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from minieqt.backend import device_of, mode, to_numpy
from minieqt.errors import UserError
from minieqt.evaluation.metrics import Counts, Evaluation
from minieqt.parallel.communicator import Communicator
from minieqt.schedule import Schedule
from minieqt.training import checkpoint
from minieqt.training.average import Average
from minieqt.training.checkpoint import Position
from minieqt.training.data_parallel import DataParallel
from minieqt.training.early_stopping import best_epoch, costs, should_stop
from minieqt.training.graph_step import GraphStep
from minieqt.training.interrupt import Interrupt
from minieqt.training.progress import EpochProgress
from minieqt.training.step import NotFinite, Step, check_finite
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
    schedule: Schedule | None = None,
    select: str = "loss",
    average: Average | None = None,
    attributes: Mapping[str, str] | None = None,
    accumulate: int = 1,
    save_seconds: float = 600.0,
    communicator: Communicator | None = None,
    sync_batchnorm: bool = False,
) -> int | None:
    """Train from `position` until `epochs` are done or `patience` of them have brought nothing better.

    training, validation: loaders of batches with `number`, `x` and `labels` (B, 3, T), this rank's part of each. A
    step follows every `accumulate` batches. schedule: of the learning rate, by default the paper's. select: which epoch
    is the best (see early_stopping). average: of the network's weights, which is then what is validated and becomes
    best.h5. attributes: texts for the weight files. After every epoch the folder holds best.h5, last.h5, history.csv
    and curves.png; within an epoch last.h5 is renewed every `save_seconds`. Only rank 0 writes and prints.
    Returns the number of the signal that interrupted training, None if none did. UserError when a loss is not
    finite: the step is not taken (on a GPU, where a loss is read now and then, not saved), and the last good
    checkpoint stays.
    """
    ranks = DataParallel(model, communicator, sync_batchnorm)
    leads = ranks.communicator.rank == 0
    # One graph a step on a GPU; the readable code's products cannot be captured.
    captured = device_of(model.vector) == "cuda" and mode() == "fast"
    step = GraphStep(model, optimiser, ranks, accumulate) if captured else Step(model, optimiser, ranks)
    schedule = schedule or Schedule(epochs=epochs)
    found = costs(position.history, select)  # by epochs
    saved = time.monotonic()
    with (
        Interrupt(leads) as interrupt,
        np.errstate(all="ignore"),  # what is not finite is reported in words
        finite(position, schedule, folder),
    ):
        while position.epoch < epochs and not should_stop(found, patience):
            epoch = position.epoch
            model.train()
            with EpochProgress(f"epoch {epoch + 1}/{epochs}", len(training), position.batch, leads) as progress:
                batches = training.epoch(epoch, first_batch=position.batch)
                for first in batches:
                    optimiser.learning_rate = rate_of_step(schedule, epoch, first.number, accumulate, len(training))
                    due = leads and time.monotonic() - saved > save_seconds
                    taken = step.take(chain((first,), islice(batches, accumulate - 1)), interrupt.signal, due)
                    loss, windows = step.read_loss(now=False)
                    if average and taken.windows:
                        with step.stream:
                            average.update(optimiser.t)
                    done = taken.number + 1 - position.batch
                    position.add_batch(taken.number, loss, windows)
                    progress.update(position.loss, taken.windows, done)
                    if taken.signal or taken.due:
                        position.add_loss(*step.read_loss())
                        if leads:
                            checkpoint.save(folder / LAST, model, optimiser, position, average, attributes)
                        saved = time.monotonic()
                    if taken.signal:
                        return taken.signal
                position.add_loss(*step.read_loss())

            # If the epoch was complete when it was resumed, the rate of its last step is not set yet.
            last = (len(training) - 1) // accumulate * accumulate
            optimiser.learning_rate = rate_of_step(schedule, epoch, last, accumulate, len(training))
            with average.in_place() if average else nullcontext():
                validation_loss, f1, signal = validate(model, validation, interrupt, ranks.communicator)
                if not signal:
                    check_finite(validation_loss)
                    position.history.add(
                        epoch=epoch + 1,
                        learning_rate=optimiser.learning_rate,
                        loss=position.loss,
                        penalty=optimiser.penalty(),
                        validation_loss=validation_loss,
                        p_f1=f1["P"],
                        s_f1=f1["S"],
                    )
                    found = costs(position.history, select)
                    # best before last: a kill in between leaves a last.h5 that does this epoch again, to the same bits.
                    if leads and best_epoch(found) == epoch:
                        native.save(folder / BEST, model, attributes=attributes)
            if signal:  # the epoch is saved at its end; resuming validates again
                if leads:
                    checkpoint.save(folder / LAST, model, optimiser, position, average, attributes)
                return signal

            picks = f"P F1 {f1['P']:.4f}, S F1 {f1['S']:.4f}, " if select == "picks" else ""
            line = (
                f"{progress.title}: loss {position.loss:.5f}, validation loss {validation_loss:.5f}, {picks}"
                f"learning rate {optimiser.learning_rate:g}, {progress.windows_per_second:.1f} windows/s"
            )
            position.finish_epoch()
            if leads:
                checkpoint.save(folder / LAST, model, optimiser, position, average, attributes)
                saved = time.monotonic()
                write_history(position, folder, select)
                print(line, flush=True)
    return interrupt.signal


def validate(
    model: Any, loader: Any, interrupt: Interrupt, communicator: Communicator
) -> tuple[float, dict[str, float], int | None]:
    """Of all ranks' windows, without dropout and with the running statistics: the mean loss; F1 within 0.5 s of P and
    of S at the default thresholds, NaN without arrivals; and the signal that any rank has caught, in which case it is
    of the windows that there was time for."""
    model.eval()
    loss_sum, windows, leads, score = 0.0, 0, communicator.rank == 0, Evaluation()
    for batch in tqdm(loader.epoch(0), "validation", len(loader), leave=False, disable=None if leads else True):
        if len(batch.x):
            loss_sum += model.loss(batch.x, batch.labels) * len(batch.x)
            windows += len(batch.x)
            detection, p, s = (to_numpy(probability) for probability in model.forward(batch.x))
            score.update((detection, p, s), *loader.analyst(batch.rows))
        if interrupt.signal:
            break
    own = [n for phase in "PS" for n in confusion(score.phases[phase][0].counts)]
    loss_sums, counts, signals, *picks = communicator.all_gather(loss_sum, windows, interrupt.signal or 0, *own).T
    if not (counts.any() or signals.any()):
        raise UserError("no validation window can be used: every one of its traces was left out")
    totals = [Counts(*(int(n.sum()) for n in numbers)) for numbers in (picks[:3], picks[3:])]
    f1 = {
        phase: total.f1 if total.true_positive + total.false_negative else math.nan
        for phase, total in zip("PS", totals, strict=True)
    }
    return float(loss_sums.sum() / counts.sum()), f1, int(signals.max()) or None


def confusion(counts: Counts) -> tuple[int, int, int]:
    """What F1 is made of, in the order of `Counts`."""
    return counts.true_positive, counts.false_positive, counts.false_negative


def rate_of_step(schedule: Schedule, epoch: int, batch: int, accumulate: int, batches: int) -> float:
    """The learning rate of the step that begins with a batch of an epoch."""
    return schedule.rate(epoch + batch / batches, accumulate / batches)


@contextmanager
def finite(position: Position, schedule: Schedule, folder: Path) -> Iterator[None]:
    """UserError, with what to try, for what is not finite."""
    try:
        yield
    except NotFinite as error:
        good = folder / LAST
        kept = f"{good} keeps the last good state" if good.exists() else "there is no good checkpoint yet"
        raise UserError(
            f"epoch {position.epoch + 1}, batch {position.batch + 1}: {error}, training stopped before it was saved "
            f"and {kept}; try a new run with a lower --learning-rate (it was {schedule.base:g})"
        ) from error


def write_history(position: Position, folder: Path, select: str = "loss") -> None:
    """history.csv and curves.png, from the rows in `position`."""
    from minieqt.plots import learning_curves, save_figure

    if len(position.history):
        position.history.write(folder / HISTORY)
        save_figure(learning_curves(position.history, best_epoch(costs(position.history, select))), folder / CURVES)
