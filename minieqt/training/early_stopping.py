"""When to stop: the validation loss has not improved for `patience` epochs.

Both functions look at the whole list of validation losses instead of carrying a counter along, so there is nothing
to save and a resumed run decides as an uninterrupted one does. Only a lower loss is an improvement, an equal one is
not (as in Keras, which trained the published network with patience 12).
"""

from __future__ import annotations

from collections.abc import Sequence


def best_epoch(validation_losses: Sequence[float]) -> int:
    """The index of the lowest loss, the first of equals. ValueError if there is none."""
    return min(range(len(validation_losses)), key=validation_losses.__getitem__)


def should_stop(validation_losses: Sequence[float], patience: int) -> bool:
    """Whether the last `patience` epochs all failed to improve on the best before them."""
    if not validation_losses:
        return False
    return len(validation_losses) - 1 - best_epoch(validation_losses) >= patience
