"""Numba twins, each of the file of the same name; README.md maps the folders below them."""
