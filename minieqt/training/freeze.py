"""Parts of a network that stay as they are while the others learn.

A prefix is the beginning of a parameter's dotted name, whole words of it: `encoder`, `rescnn.blocks.0`. A mask over the
flat vector keeps gradients and penalties from what is frozen (adam.py); a BatchNorm whose parameters are all frozen
keeps its running statistics and normalises with them (layers/batchnorm.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minieqt.backend import array_module
from minieqt.errors import UserError
from minieqt.layers.batchnorm import BatchNorm

Array = Any


def freeze(model: Any, prefixes: Sequence[str]) -> Array | None:
    """(N,) over the network's flat vector: 1 where a parameter is trained, 0 where it is frozen; None without prefixes.

    UserError for a prefix of nothing, and where nothing is left to train.
    """
    if not prefixes:
        return None
    parameters = model.parameters()
    for prefix in prefixes:
        if not any(begins(name, prefix) for name in parameters):
            parts = ", ".join(dict.fromkeys(name.split(".")[0] for name in parameters))
            raise UserError(f"--freeze {prefix}: no parameter's name begins so; the network's parts are {parts}")
    frozen = {name: any(begins(name, prefix) for prefix in prefixes) for name in parameters}
    if all(frozen.values()):
        raise UserError(f"--freeze {' '.join(prefixes)}: that is the whole network, nothing is left to train")
    for path, layer in model.layers():
        if isinstance(layer, BatchNorm):
            layer.frozen = all(frozen[f"{path}.{name}"] for name in layer.penalties)
    mask = np.concatenate([np.full(array.size, not frozen[name]) for name, array in parameters.items()])
    return array_module(model.vector).asarray(mask, model.vector.dtype)


def begins(name: str, prefix: str) -> bool:
    """Whether a dotted name begins with the words of a prefix."""
    return f"{name}.".startswith(f"{prefix}.")
