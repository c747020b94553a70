"""The paper's learning-rate schedule: steps down after epochs 20, 40, 60 and 90."""

from __future__ import annotations

STEPS = ((90, 0.5e-3), (60, 1e-3), (40, 1e-2), (20, 1e-1))  # after this epoch, this factor (published code)


def paper_schedule(epoch: int, base: float = 1e-3) -> float:
    """The learning rate of an epoch counted from 0: base × 1, 0.1, 0.01, 0.001, 0.0005."""
    return next((base * factor for after, factor in STEPS if epoch > after), base)
