"""A run that begins with trained weights instead of random ones.

The network is the weights' own: its BiLSTM blocks, gates, crops, attention epsilon and normalisation, which every
checkpoint keeps. Trained weights need smaller steps, and fewer: a tenth of the paper's learning rate, lowered to zero
over 20 epochs. At the full rate the first steps, before Adam's moments are filled, undo part of what was learnt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minieqt.data.table import SAMPLES
from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.training.config import Config
from minieqt.weights import Loaded, native, open_weights

DEFAULTS: dict[str, Any] = {"epochs": 20, "learning_rate": 1e-4, "schedule": "cosine"}


def settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration's settings that `weights` brings, in addition to those in `given`, which the user named.

    UserError for weights that cannot be used, and where `given` asks for another network than theirs.
    """
    loaded = opened(given["weights"], drop_rate=given.get("drop_rate"))
    config = loaded.model.config
    if given.get("lstm_blocks", config["lstm_blocks"]) != config["lstm_blocks"]:
        raise UserError(
            f"--lstm-blocks {given['lstm_blocks']} contradicts {given['weights']}, which has {config['lstm_blocks']}: "
            "leave it out"
        )
    own = {"lstm_blocks": config["lstm_blocks"], "drop_rate": config["drop_rate"]}
    return DEFAULTS | dict(given) | own | {"weights_sha256": sha256(loaded.path)}


def network(config: Config, checkpoint: Path | None = None) -> EQTransformer:
    """The run's network: as the checkpoint has it if there is one, else with the weights that the run begins with.

    UserError if those are no longer what they were when the run was set up.
    """
    if config.weights is None:
        return EQTransformer(config.lstm_blocks, drop_rate=config.drop_rate, seed=config.seed)
    if checkpoint is not None and checkpoint.exists():
        return native.load(checkpoint)
    loaded = opened(config.weights, drop_rate=config.drop_rate, seed=config.seed, dtype="float32")
    if sha256(loaded.path) != config.weights_sha256:
        raise UserError(f"{config.weights} has changed since this run was set up: begin another with another --out")
    return loaded.model


def opened(weights: str, **options: Any) -> Loaded:
    """`open_weights`; UserError for a network of windows that no data set has."""
    loaded = open_weights(weights, **options)
    if loaded.model.length != SAMPLES:
        raise UserError(f"{weights} is for windows of {loaded.model.length} samples, and a data set's have {SAMPLES}")
    return loaded


def sha256(path: Path) -> str:
    """A file's checksum."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def origin(config: Config) -> dict[str, str]:
    """What weight files of the run tell of where it began."""
    if config.weights is None or config.weights_sha256 is None:
        return {}
    return {"fine_tuned_from": config.weights, "fine_tuned_from_sha256": config.weights_sha256}
