"""Which epoch is the best, and when to stop: none of the last `patience` epochs has been better.

The functions look at the whole history instead of keeping a counter, so there is nothing to save, and a resumed run
decides as an uninterrupted one does. Only a better epoch is an improvement, an equal one is not (as in Keras, which
trained the published network with patience 12). SELECTIONS defines which is better:

    loss     the lower validation loss
    picks    the higher mean of P's and S's F1 within 0.5 s on the validation windows; of equals the lower loss. Where
             windows are few, a handful of odd ones dominate the loss; and picks are what the network is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

SELECTIONS = ("loss", "picks")


def costs(history: Any, select: str) -> list[tuple[float, float]]:
    """A pair for every epoch of a `History`, of which the lower is the better."""
    losses = history.column("validation_loss")
    if select == "loss":
        return [(loss, 0.0) for loss in losses]
    return [
        (-float(np.nanmean(f1)) if np.isfinite(f1).any() else 0.0, loss)
        for loss, *f1 in zip(losses, history.column("p_f1"), history.column("s_f1"), strict=True)
    ]


def best_epoch(costs: Sequence[Any]) -> int:
    """The index of the lowest, the first of equals. ValueError if there is none."""
    return min(range(len(costs)), key=costs.__getitem__)


def should_stop(costs: Sequence[Any], patience: int) -> bool:
    """Whether the last `patience` epochs all failed to improve on the best before them."""
    if not costs:
        return False
    return len(costs) - 1 - best_epoch(costs) >= patience
