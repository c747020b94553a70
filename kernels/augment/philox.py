"""Philox4x32-10 for CPU and GPU; minieqt/philox.py is the definition and gives the source."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core.errors import NumbaIRAssumptionWarning
from numba.extending import overload, register_jitable

Array = Any

# Numba warns about its own variables in inlined loops; the kernels are tested against definitions.
warnings.filterwarnings("ignore", category=NumbaIRAssumptionWarning)

AUGMENT = np.uint64(1)  # the key's second word, as in minieqt/philox.py
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW, HIGH, EIGHT = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(8)
UNIT = np.float32(2.0**-24)


shared = register_jitable  # compiled by Numba for CPU or GPU, as the caller is; also plain Python


def inlined(function: Callable) -> Callable:
    """`shared`, and on a processor inlined by Numba: arguments that are constant in the call are constants inside.

    On a GPU the compiler inlines by itself, and Numba cannot: numba-cuda loses the arguments of such calls.
    """
    overload(function, strict=False, inline="always", target="cpu")(lambda *arguments: function)
    overload(function, strict=False, target="cuda")(lambda *arguments: function)
    return function


@inlined
def larger(a, b):  # type: ignore[no-untyped-def]
    """max(a, b), which Numba's CUDA target mistakes for max of a list."""
    return a if a > b else b


@inlined
def smaller(a, b):  # type: ignore[no-untyped-def]
    """min(a, b)."""
    return a if a < b else b


@inlined
def four_uniforms(seed, c0, c1, c2, c3):  # type: ignore[no-untyped-def]
    """Four float32 in [0, 1) from a counter of four words, all of them uint64 below 2^32."""
    k0, k1 = seed, AUGMENT
    for _ in range(10):
        product0, product1 = M0 * c0, M1 * c2
        c0, c1 = (product1 >> HIGH) ^ c1 ^ k0, product1 & LOW
        c2, c3 = (product0 >> HIGH) ^ c3 ^ k1, product0 & LOW
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return (
        np.float32(c0 >> EIGHT) * UNIT,
        np.float32(c1 >> EIGHT) * UNIT,
        np.float32(c2 >> EIGHT) * UNIT,
        np.float32(c3 >> EIGHT) * UNIT,
    )
