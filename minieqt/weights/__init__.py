"""Trained weights in and out: the package's own, files of every layout, published ones by name."""

from minieqt.weights.load import Loaded, load_weights, open_weights, save_weights
from minieqt.weights.seisbench import from_seisbench, to_seisbench

__all__ = ["Loaded", "from_seisbench", "load_weights", "open_weights", "save_weights", "to_seisbench"]
