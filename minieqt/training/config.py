"""What defines a run: config.json, written before the first step and read by --resume."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from minieqt.errors import UserError
from minieqt.files import write_text

NAME = "config.json"
FORMER = {"threads"}  # settings of earlier versions, ignored: the result does not depend on them


@dataclass(frozen=True)
class Config:
    """Everything the result depends on. `data` and `csv` are absolute paths; None means the synthetic set of `windows`
    windows, None as batch size a choice of loaders.py. `augment` holds what `Augmentation.parse` reads, `copies` is one
    of loader.COPIES. `seed` determines weights, dropout, split, order and augmentation. A batch is that of all ranks
    together. `share` holds a number for each entry of `data`, `validation` paths like `data`. `rate_scaling`,
    `warm_up` and `schedule` are those of schedule.py, `average` the decay of average.py (0: none), `select` one of
    early_stopping.SELECTIONS. `weights` is the file (an absolute path) or name of what training begins with,
    `freeze` the prefixes that freeze.py reads."""

    data: str | None = None
    csv: str | None = None
    windows: int | None = None
    share: str | None = None
    epoch_windows: int | None = None
    validation: str | None = None
    split: str = "event"
    cache: str = "none"
    block: int = 0
    augment: str = ""
    copies: str = "both"
    label_shape: str = "gaussian"
    epochs: int = 200
    patience: int = 12
    batch_size: int | None = None
    learning_rate: float = 1e-3
    lstm_blocks: int = 2
    weights: str | None = None
    weights_sha256: str | None = None
    freeze: str = ""
    drop_rate: float = 0.1
    seed: int = 0
    tf32: bool = False
    accumulate: int = 1
    sync_batchnorm: bool = False
    rate_scaling: str = "none"
    warm_up: float = 0.0
    schedule: str = "paper"
    average: float = 0.0
    select: str = "loss"

    def write(self, folder: Path) -> None:
        """Write config.json into a run folder."""
        write_text(folder / NAME, json.dumps(asdict(self), indent=2) + "\n")


def read(folder: Path) -> Config:
    """The configuration of the run in a folder; what an earlier version did not write has its default.

    UserError if there is none, it is not readable, or it holds a setting that this version does not know.
    """
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"{folder} holds no run to resume: check --out, or start one without --resume")
    try:
        settings = json.loads(path.read_text(encoding="utf-8")).items()
    except (AttributeError, ValueError) as error:
        raise UserError(f"{path} is damaged: it is not the configuration of a run ({error})") from error
    known = {name: value for name, value in settings if name not in FORMER}
    unknown = sorted(known.keys() - {field.name for field in fields(Config)})
    if unknown:
        raise UserError(
            f"{path} holds {', '.join(unknown)}, which this version of minieqt does not know: go on with the version "
            "that began the run, or start another with another --out"
        )
    for field in fields(Config):
        value, usual = known.get(field.name, field.default), field.default
        kind = (int, float) if isinstance(usual, float) else type(usual)
        if usual is not None and (not isinstance(value, kind) or isinstance(value, bool) != isinstance(usual, bool)):
            raise UserError(f"{path} is damaged: {field.name} is {value!r}")
    return Config(**known)


def joined(paths: Sequence[Path]) -> str:
    """Several paths as one setting. UserError for one that could not be told apart again."""
    for path in paths:
        if os.pathsep in str(path):
            raise UserError(f"a run cannot keep a path with {os.pathsep!r} in it: rename {path}")
    return os.pathsep.join(map(str, paths))


def resumed(folder: Path, given: Mapping[str, Any]) -> Config:
    """The configuration to go on with: the run's own, with more epochs if `given` asks for them.

    `given` holds the options that the user named. UserError where one contradicts the run.
    """
    config = read(folder)
    for name, value in given.items():
        recorded = getattr(config, name)
        if name == "epochs" and value > recorded and config.schedule != "cosine":
            config = replace(config, epochs=value)
        elif value != recorded:
            option = "--" + name.replace("_", "-")
            raise UserError(
                f"{option} {value} contradicts the run in {folder}, which has {recorded}: "
                f"leave {option} out, or start another run with another --out"
            )
    return config
