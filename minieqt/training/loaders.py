"""The loaders of a run: what an epoch takes, in which batches; and whether there is anything to learn from."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minieqt.data import Augmentation, Loader
from minieqt.data.device import DeviceLoader, OnDevice
from minieqt.data.loader import COPIES
from minieqt.data.order import Mixture, mixture
from minieqt.device import array_module_for, require_nvvm
from minieqt.errors import UserError
from minieqt.schedule import PAPER_BATCH
from minieqt.training.config import Config

LEAST_STEPS, LEAST_BATCH = 16, 8  # a small data set gets smaller batches, so that an epoch is at least so many steps

Array = Any


def loaders(
    config: Config,
    dataset: Any,
    parts: Sequence[Array],
    sets: Array,
    shard: tuple[int, int] = (0, 1),
    normalisation: str = "component",
) -> tuple[Loader, Loader, Loader]:
    """Training windows twice and augmented, validation and test windows once and as they were recorded.

    A batch is never larger than what there is to put into it. sets: see `open_data`. shard: (rank, ranks), who has a
    part of each batch; test windows are not shared out. normalisation: what the network wants.
    """
    training, validation, test = parts
    options: dict[str, Any] = {
        "seed": config.seed,
        "label_shape": config.label_shape,
        "normalisation": normalisation,
    }
    mixed = shares_of(config, training, sets)
    size = batch_size(config, len(COPIES[config.copies]) * len(mixed or training))
    make: Callable[..., Loader] = Loader
    if config.cache == "gpu":
        cupy = array_module_for("cuda")
        require_nvvm(cupy)
        free, _ = cupy.cuda.runtime.memGetInfo()
        make = partial(DeviceLoader, OnDevice(dataset, np.concatenate(parts), cupy, free))
    return (
        make(
            dataset,
            training,
            size,
            augmentation=Augmentation.parse(config.augment),
            block=config.block,
            shard=shard,
            mixture=mixed,
            copies=config.copies,
            **options,
        ),
        make(dataset, validation, size, shuffle=False, shard=shard, **options),
        make(dataset, test, size, shuffle=False, **options),
    )


def check_arrivals(config: Config, table: Any, parts: Sequence[Array]) -> None:
    """UserError where there is no arrival to learn from, or none to choose the best epoch by."""
    arrival = np.isfinite(table.p_sample) | np.isfinite(table.s_sample)
    training, validation, _ = parts
    if not arrival[training].any():
        raise UserError(f"none of the {len(training)} training windows has a P or S arrival: there is nothing to learn")
    if config.select == "picks" and not arrival[validation].any():
        raise UserError(
            f"--select picks needs arrivals, and none of the {len(validation)} validation windows has one: name other "
            "sets with --validation, or take --select loss"
        )


def shares_of(config: Config, training: Array, sets: Array) -> Mixture | None:
    """What an epoch takes of the training rows; None: each of them once. UserError for shares that do not fit."""
    if config.share is None and config.epoch_windows is None:
        return None
    windows = config.epoch_windows or len(training)
    if config.share is None:
        return mixture([training], [1.0], windows)
    shares = [float(number) for number in config.share.split()]
    entries = config.data.split(os.pathsep) if config.data else [""]
    if len(shares) != len(entries):
        raise UserError(f"--share gives {len(shares)} numbers for {len(entries)} entries of --data: give one for each")
    return mixture([training[sets[training] == number] for number in range(len(entries))], shares, windows)


def batch_size(config: Config, windows: int) -> int:
    """The batch size asked for; else the paper's 200, or less where an epoch of `windows` would have too few steps."""
    if config.batch_size is not None:
        return min(config.batch_size, windows)
    return min(PAPER_BATCH, max(LEAST_BATCH, 2 * (windows // (2 * LEAST_STEPS))), windows)


def contributions(config: Config, mixed: Mixture | None) -> list[str]:
    """What each entry of --data gives to an epoch, a line each; nothing without --share."""
    if config.share is None or config.data is None or mixed is None:
        return []
    return [
        f"{count:,} windows an epoch of {entry}, which has {len(rows):,} to train on"
        for entry, rows, count in zip(config.data.split(os.pathsep), mixed.groups, mixed.counts, strict=True)
    ]
