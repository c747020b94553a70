"""exp, tanh, sigmoid and log1p in plain arithmetic, so that a loop over them runs on vectors.

The C library's versions take one number at a time. These are accurate to a few units in the last place of float32,
which their test checks over the whole range. All start from eʸ - 1 with y = n ln 2 + r, |r| ≤ ln 2 / 2:

    eʸ - 1 = 2ⁿ (eʳ - 1) + (2ⁿ - 1),      eʳ - 1 = r + r²/2! + … + r⁷/7!

which keeps its relative accuracy where y is small, because n is zero there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

inlined = njit(fastmath=True, nogil=True, inline="always", error_model="numpy")

LOG2_E = np.float32(1.4426950408889634)
# ln 2 in two parts, so that y - n ln 2 is exact to the last place: the first has few enough bits for n times it.
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
LOWEST, HIGHEST = np.float32(-87.0), np.float32(88.0)  # beyond these eʸ leaves float32's normal range
ONE, TWO, HALF = np.float32(1), np.float32(2), np.float32(0.5)
C2, C3, C4 = np.float32(1 / 2), np.float32(1 / 6), np.float32(1 / 24)
C5, C6, C7 = np.float32(1 / 120), np.float32(1 / 720), np.float32(1 / 5040)


def power_of_two(n: np.float32) -> np.float32:
    """2ⁿ for a whole n (float32) between -126 and 127."""
    return np.float32(2.0) ** n


@intrinsic
def _power_of_two(typing: Any, n: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        exponent = builder.add(builder.fptosi(args[0], ir.IntType(32)), ir.Constant(ir.IntType(32), 127))
        return builder.bitcast(builder.shl(exponent, ir.Constant(ir.IntType(32), 23)), ir.FloatType())

    return types.float32(types.float32), generate


@overload(power_of_two)
def _(n):  # type: ignore[no-untyped-def]
    return lambda n: _power_of_two(n)  # type: ignore[call-arg]


@inlined
def split(y):  # type: ignore[no-untyped-def]
    """y -> (2ⁿ, eʳ - 1)."""
    y = min(max(y, LOWEST), HIGHEST)
    n = np.floor(y * LOG2_E + HALF)
    r = y - n * LN2_HIGH - n * LN2_LOW
    tail = C3 + r * (C4 + r * (C5 + r * (C6 + r * C7)))
    return power_of_two(n), r + r * r * (C2 + r * tail)


@inlined
def exp(y):  # type: ignore[no-untyped-def]
    """eʸ of a float32; the smallest normal number where y is below -87."""
    scale, rest = split(y)
    return scale + scale * rest


@inlined
def tanh(x):  # type: ignore[no-untyped-def]
    """tanh x = q / (q + 2) with q = e²ˣ - 1; 1 to the last place from x = 10 on, so no q needs to be larger."""
    scale, rest = split(TWO * min(x, np.float32(10)))
    q = scale * rest + (scale - ONE)
    return q / (q + TWO)


@inlined
def sigmoid(x):  # type: ignore[no-untyped-def]
    """1 / (1 + e⁻ˣ)."""
    return HALF + HALF * tanh(HALF * x)


@inlined
def log1p_unit(u):  # type: ignore[no-untyped-def]
    """log(1 + u) for 0 ≤ u ≤ 1: 2 artanh s with s = u / (2 + u) ≤ 1/3."""
    s = u / (TWO + u)
    s2 = s * s
    series = np.float32(1 / 9) + s2 * (np.float32(1 / 11) + s2 * np.float32(1 / 13))
    series = np.float32(1 / 3) + s2 * (np.float32(1 / 5) + s2 * (np.float32(1 / 7) + s2 * series))
    return TWO * s * (ONE + s2 * series)
