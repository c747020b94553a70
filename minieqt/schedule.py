"""The learning rate over the epochs, and two measures for large batches.

    paper       steps down after epochs 20, 40, 60 and 90; for long training with early stopping, as in the paper
    cosine      from the rate down to zero over all epochs, half a cosine: η (1 + cos π progress) / 2
                (Loshchilov & Hutter 2017); for a number of epochs chosen beforehand, as in fine-tuning
    constant    the same rate throughout

With k times as many windows in a step there are k times fewer steps, and their gradients are less noisy. A larger rate
makes up for it: k times with plain gradient descent (Goyal et al. 2017), √k times with Adam (Malladi et al. 2022). The
first epochs do not tolerate such a rate, so it rises from zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

STEPS = ((90, 0.5e-3), (60, 1e-3), (40, 1e-2), (20, 1e-1))  # after this epoch, this factor (published code)


def paper_schedule(epoch: int, base: float = 1e-3) -> float:
    """The learning rate of an epoch counted from 0: base × 1, 0.1, 0.01, 0.001, 0.0005."""
    return next((base * factor for after, factor in STEPS if epoch > after), base)


PAPER_BATCH = 200  # windows in a step in the paper, for which its learning rate is meant

SCALINGS = {"none": lambda ratio: 1.0, "linear": lambda ratio: ratio, "sqrt": math.sqrt}


def rate_factor(scaling: str, windows: int) -> float:
    """What the learning rate is multiplied by when a step takes `windows` windows, by one of SCALINGS."""
    return SCALINGS[scaling](windows / PAPER_BATCH)


def warm_up_factor(epochs: float, warm_up: float) -> float:
    """The share of the learning rate after `epochs` epochs (with a fraction): it rises to 1 over `warm_up` epochs."""
    return min(1.0, epochs / warm_up) if warm_up else 1.0


SHAPES = ("paper", "cosine", "constant")


@dataclass(frozen=True)
class Schedule:
    """The learning rate throughout a training of `epochs` epochs; `shape` is one of SHAPES, `warm_up` in epochs."""

    base: float = 1e-3
    shape: str = "paper"
    epochs: int = 200
    warm_up: float = 0.0

    def rate(self, done: float, step: float = 0.0) -> float:
        """The rate of a step that takes `step` epochs (a fraction), after `done` epochs (with a fraction)."""
        return self.shaped(done) * warm_up_factor(done + step, self.warm_up)

    def shaped(self, done: float) -> float:
        """The same without the warm-up."""
        if self.shape == "cosine":
            return self.base * (1 + math.cos(math.pi * min(1.0, done / self.epochs))) / 2
        return paper_schedule(int(done), self.base) if self.shape == "paper" else self.base
