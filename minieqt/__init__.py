"""minieqt: EQTransformer from scratch. Detect earthquakes, pick P and S; read every line of how."""

from minieqt.model import EQTransformer

__all__ = ["EQTransformer"]
