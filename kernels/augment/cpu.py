"""The window kernels on a processor.

Each call runs on one thread and lets others run Python (no GIL): a loader's threads make whole batches side by side,
and no result depends on how many there are.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numba.core.errors import NumbaIRAssumptionWarning

from kernels.augment.draw import (
    GAP_END,
    GAP_START,
    KEEP,
    NOISE,
    NUMBERS,
    PRE_EMPHASIS,
    SAMPLES,
    SECOND_DIVISOR,
    SECOND_START,
    SHIFT,
    draw_numbers,
    draw_plan,
)
from kernels.augment.window import (
    add_noise,
    add_second_event,
    clear,
    copy_to,
    label_arrivals,
    label_detection,
    normalise,
    part_of_maximum,
    part_of_squares,
    part_of_sum,
    pre_emphasise,
    scale_of,
    shift,
)
from kernels.cpu.compile import compiled, compiled_exactly

Array = Any

# Numba doubts its own variables in loops put in the place of a call; the kernels are tested against definitions.
warnings.filterwarnings("ignore", category=NumbaIRAssumptionWarning)

@compiled_exactly
def draw_plans(
    seed: np.uint64,
    epoch: np.uint64,
    rows: Array,
    copies: Array,
    p: Array,
    s: Array,
    coda_end: Array,
    loud: Array,
    rates: Array,
    plans: Array,
) -> None:
    """Fills plans (N, 13) float64; all but rates (8,) have one entry a window, p is NaN for noise."""
    u = np.empty(NUMBERS, np.float64)
    for n in range(rows.size):
        draw_numbers(seed, epoch, rows[n], copies[n], u)
        draw_plan(u, p[n], s[n], coda_end[n], loud[n], rates, copies[n], plans[n])


# No NaN comes in: a loader leaves such windows out. (Steps are imported by name, because Numba puts a function in the
# place of its call only if it is not looked up in a module.)
@compiled
def make_windows(
    seed: np.uint64,
    epoch: np.uint64,
    rows: Array,
    copies: Array,
    p: Array,
    plans: Array,
    raw: Array,
    source: Array,
    x: Array,
) -> None:
    """Fills x (N, 3, 6000) float32; window n is made from raw[source[n]], raw (M, 3, 6000) float32, by plans[n]."""
    scratch = np.empty(SAMPLES, np.float32)
    for n in range(rows.size):
        plan = plans[n]
        for c in range(3):
            recorded, y = raw[source[n], c], x[n, c]
            mean = np.float32(part_of_sum(recorded, 0, 1) / SAMPLES)
            shift(recorded, mean, int(plan[SHIFT]), y, 0, 1)
            if plan[SECOND_START] > 0:
                start, divisor = int(plan[SECOND_START]), np.float32(plan[SECOND_DIVISOR])
                add_second_event(recorded, mean, int(p[n]), start, divisor, y, 0, 1)
            if plan[NOISE + c] > 0:
                deviation = np.float32(plan[NOISE + c]) * part_of_maximum(y, 0, 1)
                add_noise(y, deviation, c, seed, rows[n], epoch, copies[n], 0, 1)
        live = False
        if plan[KEEP] + plan[KEEP + 1] + plan[KEEP + 2] < 3:
            for c in range(3):
                live = live or (plan[KEEP + c] > 0 and part_of_squares(x[n, c], 0.0, 0, 1) > 0)
        for c in range(3):
            y = x[n, c]
            if live and plan[KEEP + c] == 0:
                clear(y, 0, SAMPLES, 0, 1)
                continue
            if plan[PRE_EMPHASIS] > 0:
                copy_to(y, scratch, 0, 1)
                pre_emphasise(scratch, np.float32(plan[PRE_EMPHASIS]), y, 0, 1)
            clear(y, int(plan[GAP_START]), int(plan[GAP_END]), 0, 1)
            centre = part_of_sum(y, 0, 1) / SAMPLES
            normalise(y, centre, scale_of(centre, part_of_squares(y, centre, 0, 1)), 0, 1)


@compiled_exactly
def make_labels(p: Array, s: Array, plans: Array, shape: int, labels: Array) -> None:
    """Fills labels (N, 3, 6000) float32 of arrivals p, s (N,), NaN for noise, as the plans move and double them."""
    for n in range(p.size):
        for c in range(3):
            clear(labels[n, c], 0, SAMPLES, 0, 1)
        if p[n] == p[n]:
            by, second = int(plans[n, SHIFT]), int(plans[n, SECOND_START])
            label_detection(labels[n, 0], p[n], s[n], by, second, 0, 1)
            label_arrivals(labels[n, 1], p[n], p[n], by, second, shape, 0, 1)
            label_arrivals(labels[n, 2], s[n], p[n], by, second, shape, 0, 1)
