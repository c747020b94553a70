"""minieqt: EQTransformer from scratch. It detects earthquakes and picks P and S, in code that is written to be read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minieqt.model import EQTransformer

if TYPE_CHECKING:
    from minieqt.picking.pick import annotate, pick
    from minieqt.weights.load import load_weights

__all__ = ["EQTransformer", "annotate", "load_weights", "pick"]

# Modules that need h5py or ObsPy are imported on first use.
LATER = {"load_weights": "minieqt.weights.load", "annotate": "minieqt.picking.pick", "pick": "minieqt.picking.pick"}


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module 'minieqt' has no attribute {name!r}")
    return getattr(import_module(LATER[name]), name)
