"""Windows out of a mapped file: samples stored (6000, 3) become components (3, 6000)."""

from __future__ import annotations

from typing import Any

from ..cpu.runtime.compile import compiled_exactly

Array = Any


@compiled_exactly
def gather(words: Array, starts: Array, out: Array, finite: Array) -> None:
    """out (N, 3, 6000) float32 from words (file size / 4,) float32 at starts (N,), in words.

    finite (N,) bool: whether a window has neither NaN nor infinity. Where a start is negative, nothing is written.
    """
    for n in range(starts.size):
        if starts[n] < 0:
            continue
        window = words[starts[n] : starts[n] + 3 * out.shape[2]]
        e, north, z = out[n, 0], out[n, 1], out[n, 2]
        for t in range(e.size):
            e[t], north[t], z[t] = window[3 * t], window[3 * t + 1], window[3 * t + 2]
        bad = 0
        for c in range(3):
            component = out[n, c]
            for t in range(component.size):
                bad += component[t] - component[t] != 0  # infinity minus itself is NaN
        finite[n] = bad == 0
