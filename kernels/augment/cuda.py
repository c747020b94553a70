"""The window kernels on a GPU: one block of threads a window. The same source as `cpu`, the same names and arguments.

Arrays are CuPy's, or whatever else shows the CUDA array interface. Without a GPU, NUMBA_ENABLE_CUDASIM=1 runs all of it
in Numba's simulator.
"""

# mypy: disable-error-code="call-arg, operator"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda, float64

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
from kernels.augment.philox import larger
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

Array = Any

THREADS = 256  # of a block, at most; a power of two


def draw_plans(
    seed: int,
    epoch: int,
    rows: Array,
    copies: Array,
    p: Array,
    s: Array,
    coda_end: Array,
    loud: Array,
    rates: Array,
    plans: Array,
    threads: int = THREADS,
) -> None:
    """Fills plans (N, 13) float64; one thread a window."""
    blocks = -(-len(rows) // threads)
    _draw[blocks, threads](np.uint64(seed), np.uint64(epoch), rows, copies, p, s, coda_end, loud, rates, plans)


@cuda.jit
def _draw(seed, epoch, rows, copies, p, s, coda_end, loud, rates, plans):  # type: ignore[no-untyped-def]
    n = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    u = cuda.local.array(NUMBERS, float64)
    if n < rows.shape[0]:
        draw_numbers(seed, epoch, rows[n], copies[n], u)
        draw_plan(u, p[n], s[n], coda_end[n], loud[n], rates, copies[n], plans[n])


def make_windows(
    seed: int,
    epoch: int,
    rows: Array,
    copies: Array,
    p: Array,
    plans: Array,
    raw: Array,
    source: Array,
    x: Array,
    threads: int = THREADS,
) -> None:
    """Fills x (N, 3, 6000) float32; window n is made from raw[source[n]], raw (M, 3, 6000), by plans[n]."""
    scratch = cuda.device_array(x.shape, np.float32)
    _make[len(rows), threads](np.uint64(seed), np.uint64(epoch), rows, copies, p, plans, raw, source, x, scratch)


@cuda.jit
def _make(seed, epoch, rows, copies, p, plans, raw, source, x, scratch):  # type: ignore[no-untyped-def]
    n, lane, lanes = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    parts = cuda.shared.array(THREADS, float64)
    plan = plans[n]
    for c in range(3):
        recorded, y = raw[source[n], c], x[n, c]
        mean = np.float32(_sum(part_of_sum(recorded, lane, lanes), parts, lane, lanes) / SAMPLES)
        shift(recorded, mean, int(plan[SHIFT]), y, lane, lanes)
        cuda.syncthreads()
        if plan[SECOND_START] > 0:
            start, divisor = int(plan[SECOND_START]), np.float32(plan[SECOND_DIVISOR])
            add_second_event(recorded, mean, int(p[n]), start, divisor, y, lane, lanes)
            cuda.syncthreads()
        if plan[NOISE + c] > 0:
            largest = _maximum(part_of_maximum(y, lane, lanes), parts, lane, lanes)
            deviation = np.float32(plan[NOISE + c]) * np.float32(largest)
            add_noise(y, deviation, c, seed, rows[n], epoch, copies[n], lane, lanes)
            cuda.syncthreads()
    live = False
    if plan[KEEP] + plan[KEEP + 1] + plan[KEEP + 2] < 3:
        for c in range(3):
            if plan[KEEP + c] > 0:
                live = live or _sum(part_of_squares(x[n, c], 0.0, lane, lanes), parts, lane, lanes) > 0
    for c in range(3):
        y = x[n, c]
        if live and plan[KEEP + c] == 0:
            clear(y, 0, SAMPLES, lane, lanes)
        else:
            if plan[PRE_EMPHASIS] > 0:
                copy_to(y, scratch[n, c], lane, lanes)
                cuda.syncthreads()
                pre_emphasise(scratch[n, c], np.float32(plan[PRE_EMPHASIS]), y, lane, lanes)
                cuda.syncthreads()
            clear(y, int(plan[GAP_START]), int(plan[GAP_END]), lane, lanes)
            cuda.syncthreads()
            centre = _sum(part_of_sum(y, lane, lanes), parts, lane, lanes) / SAMPLES
            squares = _sum(part_of_squares(y, centre, lane, lanes), parts, lane, lanes)
            normalise(y, centre, scale_of(centre, squares), lane, lanes)


def make_labels(p: Array, s: Array, plans: Array, shape: int, labels: Array, threads: int = THREADS) -> None:
    """Fills labels (N, 3, 6000) float32 of arrivals p, s (N,), NaN for noise, as the plans move and double them."""
    _label[len(p), threads](p, s, plans, shape, labels)


@cuda.jit
def _label(p, s, plans, shape, labels):  # type: ignore[no-untyped-def]
    n, lane, lanes = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    for c in range(3):
        clear(labels[n, c], 0, SAMPLES, lane, lanes)
    cuda.syncthreads()
    if p[n] == p[n]:
        by, second = int(plans[n, SHIFT]), int(plans[n, SECOND_START])
        label_detection(labels[n, 0], p[n], s[n], by, second, lane, lanes)
        label_arrivals(labels[n, 1], p[n], p[n], by, second, shape, lane, lanes)
        label_arrivals(labels[n, 2], s[n], p[n], by, second, shape, lane, lanes)


@cuda.jit(device=True)
def _sum(part, parts, lane, lanes):  # type: ignore[no-untyped-def]
    """The sum of all threads' parts, to each of them; always added up in the same order."""
    parts[lane] = part
    cuda.syncthreads()
    half = lanes // 2
    while half > 0:
        if lane < half:
            parts[lane] += parts[lane + half]
        cuda.syncthreads()
        half //= 2
    total = parts[0]
    cuda.syncthreads()
    return total


@cuda.jit(device=True)
def _maximum(part, parts, lane, lanes):  # type: ignore[no-untyped-def]
    """The largest of all threads' parts, to each of them."""
    parts[lane] = part
    cuda.syncthreads()
    half = lanes // 2
    while half > 0:
        if lane < half:
            parts[lane] = larger(parts[lane], parts[lane + half])
        cuda.syncthreads()
        half //= 2
    largest = parts[0]
    cuda.syncthreads()
    return largest
