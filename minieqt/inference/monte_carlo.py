"""Monte-Carlo dropout: the same windows answered again and again, each time with other units dropped.

How far the answers lie apart tells how sure the network is. Gal & Ghahramani 2016; as in Mousavi et al. (2020) only
the ResCNN's dropout is sampled (see EQTransformer.sample_dropout).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minieqt.inference.predict import predict
from minieqt.model import EQTransformer

Array = Any


def dropout_samples(model: EQTransformer, x: Array, samples: int, seed: int, first: int) -> Iterator[Array]:
    """x (B, 3, T) normalised -> so many answers (B, 3, T) float64, each with masks of its own.

    `first` is the number of the batch's first window: masks depend on (seed, sample, window), not on batches.
    """
    randomness = model.randomness
    before = randomness.seed, randomness.step, randomness.first_sample
    model.sample_dropout()
    try:
        randomness.seed, randomness.first_sample = seed, first
        for randomness.step in range(1, samples + 1):
            yield predict(model, x).astype(np.float64)
    finally:
        model.sample_dropout(False)
        randomness.seed, randomness.step, randomness.first_sample = before


def mean_and_spread(answers: Iterable[Array]) -> tuple[Array, Array]:
    """Mean and standard deviation over the answers, element by element; they are held one at a time.

    ValueError if there is none.
    """
    count, total, squares = 0, 0.0, 0.0
    for y in answers:
        count, total, squares = count + 1, total + y, squares + y * y
    if not count:
        raise ValueError("mean_and_spread: no answers")
    mean = total / count
    return mean, np.sqrt(np.maximum(squares / count - mean * mean, 0))
