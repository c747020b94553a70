"""The window kernels on a GPU: one block of threads a window. The same source as `cpu`, the same names and arguments.

Arrays are CuPy's, or whatever else shows the CUDA array interface. Without a GPU, NUMBA_ENABLE_CUDASIM=1 runs all of it
in Numba's simulator.
"""

# mypy: disable-error-code="call-arg, operator"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda, float32, float64

from kernels.augment.draw import NUMBERS, SAMPLES, draw_numbers, draw_plan
from kernels.augment.philox import larger
from kernels.augment.window import build, label

Array = Any

_build, _label = cuda.jit(device=True)(build), cuda.jit(device=True)(label)

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
    _draw_plans[blocks, threads](np.uint64(seed), np.uint64(epoch), rows, copies, p, s, coda_end, loud, rates, plans)


@cuda.jit
def _draw_plans(seed, epoch, rows, copies, p, s, coda_end, loud, rates, plans):  # type: ignore[no-untyped-def]
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
    """Fills x (N, 3, 6000) float32; window n is made from raw[source[n]], raw (M, 3, 6000) float32 or float16."""
    _make_windows[len(rows), threads](np.uint64(seed), np.uint64(epoch), rows, copies, p, plans, raw, source, x)


@cuda.jit
def _make_windows(seed, epoch, rows, copies, p, plans, raw, source, x):  # type: ignore[no-untyped-def]
    n, lane, lanes = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    parts = cuda.shared.array(THREADS, float64)
    scratch = cuda.shared.array(SAMPLES, float32)
    _build(
        seed, epoch, rows[n], copies[n], p[n], plans[n], raw[source[n]], x[n], scratch, lane, lanes, parts,
        _total, _largest, _meet,
    )  # fmt: skip


def make_labels(p: Array, s: Array, plans: Array, shape: int, labels: Array, threads: int = THREADS) -> None:
    """Fills labels (N, 3, 6000) float32 of arrivals p, s (N,), NaN for noise, as the plans move and double them."""
    _make_labels[len(p), threads](p, s, plans, shape, labels)


@cuda.jit
def _make_labels(p, s, plans, shape, labels):  # type: ignore[no-untyped-def]
    n, lane, lanes = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    _label(p[n], s[n], plans[n], shape, labels[n], lane, lanes, _meet)


@cuda.jit(device=True)
def _meet():  # type: ignore[no-untyped-def]
    cuda.syncthreads()


@cuda.jit(device=True)
def _total(part, parts, lane, lanes):  # type: ignore[no-untyped-def]
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
def _largest(part, parts, lane, lanes):  # type: ignore[no-untyped-def]
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
