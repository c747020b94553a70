"""CUDA twins, one file per op, found by their names as the CPU's are."""
