"""minieqt: EQTransformer from scratch. Detect earthquakes, pick P and S; read every line of how."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minieqt.model import EQTransformer

if TYPE_CHECKING:
    from minieqt.picking.pick import annotate, pick
    from minieqt.weights.load import load_weights

__all__ = ["EQTransformer", "annotate", "load_weights", "pick"]

# What needs h5py or ObsPy is imported when it is first asked for.
LATER = {"load_weights": "minieqt.weights.load", "annotate": "minieqt.picking.pick", "pick": "minieqt.picking.pick"}


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module 'minieqt' has no attribute {name!r}")
    return getattr(import_module(LATER[name]), name)
