"""The window kernels on a processor.

Each call runs on one thread and lets others run Python (no GIL): a loader's threads make whole batches side by side,
and no result depends on how many there are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from ..cpu.runtime.compile import compiled, compiled_exactly
from .draw import NUMBERS, draw_numbers, draw_plan
from .philox import inlined
from .window import build, label

Array = Any

# Inlined, so that one thread's loops are what is compiled.
_build, _label = njit(inline="always")(build), njit(inline="always")(label)


@compiled_exactly
def draw_plans(
    seed: np.uint64,
    epochs: Array,
    rows: Array,
    copies: Array,
    p: Array,
    s: Array,
    coda_end: Array,
    q: Array,
    r: Array,
    other_end: Array,
    loud: Array,
    rates: Array,
    plans: Array,
) -> None:
    """Fills plans (N, 28) float64. All but rates (13,) have one entry per window; p and s are NaN for noise, q and r
    for a partner (kernels/augment/draw.py) that is noise or absent."""
    u = np.empty(NUMBERS, np.float64)
    for n in range(rows.size):
        draw_numbers(seed, np.uint64(epochs[n]), rows[n], copies[n], u)
        draw_plan(u, p[n], s[n], coda_end[n], q[n], r[n], other_end[n], loud[n], rates, copies[n], plans[n])


# There is no NaN in the input: a loader leaves such windows out.
@compiled
def make_windows(
    seed: np.uint64,
    epochs: Array,
    rows: Array,
    copies: Array,
    arrival: Array,
    plans: Array,
    raw: Array,
    source: Array,
    partner: Array,
    x: Array,
) -> None:
    """Fills x (N, 3, 6000) float32; window n is made from raw[source[n]], raw (M, 3, 6000) float32, by plans[n].

    arrival (N,): the sample of the first that is known, negative for noise. Where the plan adds real noise or
    another earthquake, that is raw[partner[n]]; a window with partner[n] < 0 gets none, whatever the plan says. An
    earthquake that would not be seen is struck from plans[n].
    """
    scratch, parts = np.empty(x.shape[2], np.float32), np.empty(0)
    for n in range(rows.size):
        recorded, borrowed, y = raw[source[n]], raw[max(partner[n], 0)], x[n]
        _build(
            seed, np.uint64(epochs[n]), rows[n], copies[n], arrival[n], plans[n], recorded, borrowed, partner[n] >= 0,
            y, scratch, 0, 1, parts, _own_part, _own_part, _no_barrier,
        )  # fmt: skip


@compiled_exactly
def make_labels(p: Array, s: Array, coda_end: Array, plans: Array, shape: int, labels: Array) -> None:
    """Fills labels (N, 3, 6000) float32 of arrivals p, s (N,), NaN where not picked, as the plans move and double them.

    coda_end (N,): up to where a phase that was not picked leaves its labels open.
    """
    for n in range(p.size):
        _label(p[n], s[n], coda_end[n], plans[n], shape, labels[n], 0, 1, _no_barrier)


@inlined
def _own_part(part, parts, lane, lanes):  # type: ignore[no-untyped-def]
    """The sum, or the largest, of all threads' parts, where there is one thread."""
    return part


@inlined
def _no_barrier():  # type: ignore[no-untyped-def]
    """Wait for the other threads, where there are none."""
