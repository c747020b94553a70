"""Numba twins. `tile` holds what all convolutions share; every other file is the twin of the file of its name."""
