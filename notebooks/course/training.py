"""The training that a notebook has time for."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from pathlib import Path

from minieqt import EQTransformer, load_weights
from minieqt.adam import Adam
from minieqt.data import Augmentation, Loader, split
from minieqt.data.table import Dataset
from minieqt.training.checkpoint import Position
from minieqt.training.history import History
from minieqt.training.loop import BEST, train

FOLDER = Path(__file__).resolve().parents[2] / "runs" / "course"
EPOCHS = 10
WEIGHTS = "MINIEQT_WEIGHTS"  # the path of a weight file that `load_weights` knows


def train_small(dataset: Dataset) -> tuple[EQTransformer, History]:
    """Train on seven tenths of a data set, and return the best network and how it went."""
    learning, validation, _ = split(dataset.table, fractions=(0.7, 0.1, 0.2))
    model, position = EQTransformer(seed=0), Position()
    loaders = (
        Loader(dataset, learning, batch_size=8, augmentation=Augmentation()),
        Loader(dataset, validation, batch_size=8, shuffle=False),
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    train(model, Adam(model), *loaders, position, FOLDER, epochs=EPOCHS)
    return load_weights(FOLDER / BEST), position.history


def trained_network(dataset: Dataset) -> tuple[EQTransformer, str]:
    """A network, and where it comes from: the weights that MINIEQT_WEIGHTS names, else those of chapter 13."""
    if os.environ.get(WEIGHTS):
        return load_weights(os.environ[WEIGHTS]), "published weights"
    if not (FOLDER / BEST).exists():
        with redirect_stdout(io.StringIO()):  # chapter 13 shows how it goes
            train_small(dataset)
    return load_weights(FOLDER / BEST), "a small training"
