"""Fast twins of minieqt's readable functions: Numba for the CPU, CUDA C++ for GPUs, one file per op."""
