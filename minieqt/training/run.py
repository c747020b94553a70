"""One run, from its configuration to its figures on the test split: open, split, train, evaluate."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from minieqt import backend
from minieqt.adam import Adam
from minieqt.data import Loader, open_dataset
from minieqt.data.in_memory import InMemory
from minieqt.data.several import entry_of_rows
from minieqt.data.split import APART, FRACTIONS, PARTS, WITHOUT_VALIDATION, apart, make_split, validated_elsewhere
from minieqt.device import array_module_for, require_tensor_cores
from minieqt.errors import UserError
from minieqt.evaluation.evaluate import evaluate
from minieqt.evaluation.report import table, write_json
from minieqt.files import write_text
from minieqt.parallel.communicator import Communicator, Solo
from minieqt.schedule import Schedule, rate_factor
from minieqt.threads import limit_threads
from minieqt.training import checkpoint
from minieqt.training import config as configuration
from minieqt.training.average import Average
from minieqt.training.checkpoint import Position
from minieqt.training.config import Config
from minieqt.training.early_stopping import costs, should_stop
from minieqt.training.fine_tuning import network, origin
from minieqt.training.freeze import freeze
from minieqt.training.loaders import check_arrivals, contributions, loaders
from minieqt.training.loop import BEST, CURVES, HISTORY, LAST, train, write_history
from minieqt.warmup import warm_up
from minieqt.weights import native

METRICS = "metrics.json"
SPLIT_LISTS = tuple(f"{part}.txt" for part in PARTS)
RUN_FILES = (LAST, BEST, HISTORY, CURVES, METRICS, *SPLIT_LISTS, configuration.NAME)

Array = Any


def run(
    config: Config,
    folder: Path,
    resume: bool = False,
    overwrite: bool = False,
    save_seconds: float = 600,
    device: str = "cpu",
    threads: int = 1,
    communicator: Communicator | None = None,
    rank_timeout: float = 300,
) -> int:
    """Start or resume the run of `folder` and bring it to its end; returns the program's exit code.

    device: where the network lives, "cpu" or "cuda"; a run may be resumed on another. threads: of this rank.
    communicator: to the other ranks, all of which call this with the same arguments; rank_timeout: seconds that they
    wait for one another once training has begun.
    The code is 0, or 128 + the signal that interrupted training, which was saved. UserError for anything the user can
    mend.
    """
    ranks = communicator or Solo()
    leads = ranks.rank == 0  # rank 0 alone writes and prints
    if not leads:
        ranks.barrier()  # rank 0 goes first: it makes the folder, the synthetic data, the index, the kernels
    occupied = (folder / configuration.NAME).exists()
    if leads and occupied and not (resume or overwrite):
        raise UserError(
            f"{folder} already holds a run: go on with --resume, replace it with --overwrite, or give another --out"
        )
    limit_threads(threads)
    backend.options(tf32=config.tf32)
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    # The configuration comes first: whenever the process dies from here on, there is a run to resume. What is to
    # be overwritten stays until the new run is known to be able to start.
    if not occupied:
        config.write(folder)
    try:
        if overwrite and config.weights and Path(config.weights).resolve().parent == folder.resolve():
            raise UserError(f"--overwrite would delete {config.weights}, which the run begins with: name another --out")
        if config.tf32 and device == "cuda":
            require_tensor_cores(array_module_for(device))
        dataset, parts, sets = open_data(config)
        check_arrivals(config, dataset.table, parts)
        model = network(config, folder / LAST if resume else None).to(device)
        how = model.config["normalisation"]
        training, validation, test = loaders(config, dataset, parts, sets, (ranks.rank, ranks.size), how)
        trained = freeze(model, config.freeze.split())
        optimiser = Adam(model, config.learning_rate, trained)
        average = Average(model, config.average) if config.average else None
        position = Position()
        if resume:
            check_split(folder, dataset, parts)
            if (folder / LAST).exists():
                position = checkpoint.load(folder / LAST, model, optimiser, average)
    except UserError:
        if not occupied:
            (folder / configuration.NAME).unlink()
        if new:
            with suppress(OSError):
                folder.rmdir()
        raise
    if leads:
        if occupied and overwrite:
            for name in RUN_FILES:
                (folder / name).unlink(missing_ok=True)
        config.write(folder)
        write_split(folder, dataset, parts)
        write_history(position, folder, config.select)
        announce(folder, model, dataset, parts, training, ranks, threads)
        for line in contributions(config, training.mixture):
            print(line)
        if trained is not None:
            print(f"{int((trained == 0).sum()):,} parameters frozen: {config.freeze}")
        if resume:
            print(where(position, config), flush=True)
        warm_up(device, loader=True)
        ranks.barrier()
    ranks.barrier()
    ranks.timeout = rank_timeout
    scaled = config.learning_rate * rate_factor(config.rate_scaling, config.accumulate * training.batch_size)
    signal = train(
        model,
        optimiser,
        training,
        validation,
        position,
        folder,
        epochs=config.epochs,
        patience=config.patience,
        schedule=Schedule(scaled, config.schedule, config.epochs, config.warm_up),
        select=config.select,
        average=average,
        attributes=origin(config),
        accumulate=config.accumulate,
        save_seconds=save_seconds,
        communicator=ranks,
        sync_batchnorm=config.sync_batchnorm,
    )
    if signal:
        return 128 + signal
    for loader in (training, validation):
        share_skipped(loader, ranks)
    if not leads:
        return 0
    for name, loader in zip(PARTS, (training, validation, test), strict=True):
        if loader.report():
            print(f"{name} traces left out: {loader.report()}")

    report = evaluate(native.load(folder / BEST).to(device), test, dataset.table).report()
    write_json(folder / METRICS, report)
    print(f"{BEST} on the test split, {report['windows']} windows ({report['earthquakes']} earthquakes):")
    print(table(report))
    dataset.close()
    return 0


def announce(
    folder: Path, model: Any, dataset: Any, parts: Sequence[Array], training: Loader, ranks: Communicator, threads: int
) -> None:
    """What is about to be trained, on what, by whom."""
    who = f"{threads} threads" if ranks.size == 1 else f"{ranks.size} ranks of {threads} threads"
    print(f"{folder}: {model.count_parameters()[0]:,} parameters, {who}, batches of {training.batch_size}")
    print(f"{len(dataset):,} windows: " + ", ".join(f"{len(p):,} {name}" for name, p in zip(PARTS, parts, strict=True)))
    if dataset.report():
        print(dataset.report())
    torn = apart(dataset.table, parts)
    if torn:
        print(
            f"{torn:,} windows without an event begin within {APART.astype(int)} s of another split's and may "
            "show the same earthquake; a column source_id would keep them together"
        )


def where(position: Position, config: Config) -> str:
    """At which point a run is resumed, or why nothing of it is left to train."""
    if position.epoch >= config.epochs:
        return f"nothing left to train: {config.epochs} epochs are done"
    if should_stop(costs(position.history, config.select), config.patience):
        return f"nothing left to train: {config.patience} epochs have brought nothing better (--patience)"
    return f"resuming in epoch {position.epoch + 1} at batch {position.batch + 1}"


def open_data(config: Config) -> tuple[Any, tuple[Array, Array, Array], Array]:
    """The data set, its three splits, and which entry of --data each of its rows comes from.

    A synthetic one is made, or found where an earlier run made it. A validation set of its own is the data set's
    beginning.
    """
    if config.data is None:
        dataset = open_dataset(*synthetic(config.windows or 0, config.seed))
    else:
        dataset = open_dataset(config.data.split(os.pathsep), config.csv.split(os.pathsep) if config.csv else ())
    sets = entry_of_rows(dataset, 1 if config.data is None else len(config.data.split(os.pathsep)))
    parts = make_split(config.split, dataset, config.seed, WITHOUT_VALIDATION if config.validation else FRACTIONS)
    if config.validation is not None:
        validation = open_dataset(config.validation.split(os.pathsep))
        dataset, own, parts = validated_elsewhere(dataset, validation, parts)
        sets = np.where(own < 0, -1, sets[own])
    return InMemory(dataset) if config.cache == "ram" else dataset, parts, sets


def synthetic(windows: int, seed: int, folder: Path = Path("data")) -> tuple[Path, Path]:
    """The files of a synthetic mini-STEAD; their names hold what it depends on, so an existing one is the same."""
    from minieqt.data.synthetic.write import VERSION, write_stead

    hdf5, csv = (folder / f"synthetic{VERSION}-{windows}-seed{seed}.{suffix}" for suffix in ("hdf5", "csv"))
    if not (hdf5.exists() and csv.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        print(f"making {windows} synthetic windows: {hdf5}, {csv}", flush=True)
        write_stead(hdf5, csv, windows, seed, progress=sys.stderr.isatty())
    return hdf5, csv


def share_skipped(loader: Loader, ranks: Communicator) -> None:
    """Tell every rank which traces the others could not use."""
    own = json.dumps({reason: sorted(names) for reason, names in loader.skipped.items()})
    for root in range(ranks.size):
        for reason, names in json.loads(ranks.broadcast_text(own, root)).items():
            loader.skipped.setdefault(reason, set()).update(names)


def split_texts(dataset: Any, parts: Sequence[Array]) -> dict[str, str]:
    """{file name: the names of the split's traces, one a line}."""
    return {
        name: "".join(f"{trace}\n" for trace in dataset.table.name[rows].tolist())
        for name, rows in zip(SPLIT_LISTS, parts, strict=True)
    }


def write_split(folder: Path, dataset: Any, parts: Sequence[Array]) -> None:
    """Write training.txt, validation.txt and test.txt."""
    for name, text in split_texts(dataset, parts).items():
        write_text(folder / name, text)


def check_split(folder: Path, dataset: Any, parts: Sequence[Array]) -> None:
    """UserError if the data set no longer gives the splits that the run began with."""
    for name, text in split_texts(dataset, parts).items():
        path = folder / name
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise UserError(f"the data have changed since the run in {folder} began: its {name} is not the same split")
