"""Published weights in and out."""

from minieqt.weights.seisbench import from_seisbench, to_seisbench

__all__ = ["from_seisbench", "to_seisbench"]
