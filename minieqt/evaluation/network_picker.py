"""A network as a picker of windows, with Monte-Carlo dropout if asked for.

The spread of a probability is its standard deviation over the samples, where the pick is (for detection where it is
highest); that of a pick the standard deviation of the samples' own picks, NaN where fewer than two samples have one.
The pick itself is that of the mean probability.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minieqt.data.normalise import normalise
from minieqt.data.table import RATE, SAMPLES
from minieqt.errors import UserError
from minieqt.evaluation.answers import Answers, answer
from minieqt.inference.monte_carlo import dropout_samples, mean_and_spread
from minieqt.inference.predict import predict
from minieqt.model import EQTransformer
from minieqt.workers import running_kernels

Array = Any


class NetworkPicker:
    """An EQTransformer as `answer_windows.Picker`. UserError if it was made for windows of another length."""

    def __init__(
        self,
        model: EQTransformer,
        thresholds: Mapping[str, float],
        name: str = "minieqt",
        samples: int = 0,
        seed: int = 0,
    ):
        if model.length != SAMPLES:
            raise UserError(
                f"these weights are for windows of {model.length} samples, and the data set's have {SAMPLES}: "
                "give weights of another network"
            )
        model.eval()
        self.model, self.name = model, name
        self.thresholds, self.samples, self.seed = dict(thresholds), samples, seed
        self.alone = samples > 0  # the masks' counters are the network's

    def __call__(self, x: Array, first: int) -> Answers:
        x = normalise(x, self.model.config["normalisation"])
        if self.samples:
            return self.sampled(x, first)
        with running_kernels():
            probabilities = predict(self.model, x)
        return answer(probabilities.swapaxes(0, 1))

    def sampled(self, x: Array, first: int) -> Answers:
        """The answers of the mean over the samples, and the spreads."""
        times: dict[str, list[Array]] = {"P": [], "S": []}

        def noting_picks() -> Iterator[Array]:
            for y in dropout_samples(self.model, x, self.samples, self.seed, first):
                one = answer(y.swapaxes(0, 1))
                for phase, held in times.items():
                    pick = one.picks(phase, self.thresholds[phase])
                    held.append(np.where(pick >= 0, pick / RATE, np.nan))
                yield y

        mean, spread = mean_and_spread(noting_picks())
        found = answer(mean.swapaxes(0, 1))
        places = [mean[:, 0].argmax(axis=1), found.samples["P"], found.samples["S"]]
        spreads = {
            output: spread[np.arange(len(x)), row, place]
            for row, (output, place) in enumerate(zip(found.heights, places, strict=True))
        }
        for phase, held in times.items():
            picked = np.stack(held)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # a window without any pick: NaN is what is meant
                deviation = np.nanstd(picked, axis=0)
            spreads[f"{phase} time"] = np.where(np.isfinite(picked).sum(axis=0) >= 2, deviation, np.nan)
        return Answers(found.heights, found.samples, spreads)
