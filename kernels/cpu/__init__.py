"""Numba twins, each of the file of its name; README.md is the map of the rooms below them."""
