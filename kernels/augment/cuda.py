"""The window kernels on a GPU: one block of threads per window. The same source, names and arguments as in `cpu`.

Arrays are CuPy's, or any others with the CUDA array interface. The kernels are queued on the stream that such arrays
name, which is CuPy's current one, without waiting: so they can be captured into a graph. (A number in a captured launch
never changes; what changes from batch to batch is therefore in arrays.) Without a GPU, NUMBA_ENABLE_CUDASIM=1 runs all
of it in Numba's simulator.
"""

# mypy: disable-error-code="call-arg, operator"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import config, cuda, float32, float64

from .draw import NUMBERS, SAMPLES, draw_numbers, draw_plan
from .philox import larger
from .window import build, label

Array = Any

config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # type: ignore[attr-defined]  # a last batch may be small

_build, _label = cuda.jit(device=True)(build), cuda.jit(device=True)(label)

THREADS = 256  # of a block, at most; a power of two


def launch(kernel: Any, blocks: int, threads: int, *arguments: Any) -> None:
    """Start a kernel on the arrays' own stream; a grid of no blocks does nothing.

    Given a CuPy array, Numba waits for its stream first, which breaks a capture; so it is given a view of its own kind,
    which is made without waiting.
    """
    if not blocks:
        return
    streams = [a.__cuda_array_interface__.get("stream") for a in arguments if hasattr(a, "__cuda_array_interface__")]
    stream = cuda.external_stream(streams[0]) if streams and streams[0] else 0
    seen = [cuda.as_cuda_array(a, sync=False) if hasattr(a, "__cuda_array_interface__") else a for a in arguments]
    kernel[blocks, threads, stream](*seen)


def draw_plans(
    seed: int,
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
    threads: int = THREADS,
) -> None:
    """Fills plans (N, 28) float64; one thread per window."""
    facts = rows, copies, p, s, coda_end, q, r, other_end, loud
    launch(_draw_plans, -(-len(rows) // threads), threads, np.uint64(seed), epochs, *facts, rates, plans)


@cuda.jit
def _draw_plans(seed, epochs, rows, copies, p, s, coda_end, q, r, other_end, loud, rates, plans):  # type: ignore[no-untyped-def]
    n = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    u = cuda.local.array(NUMBERS, float64)
    if n < rows.shape[0]:
        draw_numbers(seed, np.uint64(epochs[n]), rows[n], copies[n], u)
        draw_plan(u, p[n], s[n], coda_end[n], q[n], r[n], other_end[n], loud[n], rates, copies[n], plans[n])


def make_windows(
    seed: int,
    epochs: Array,
    rows: Array,
    copies: Array,
    arrival: Array,
    plans: Array,
    raw: Array,
    source: Array,
    partner: Array,
    x: Array,
    threads: int = THREADS,
) -> None:
    """Fills x (N, 3, 6000) float32; window n is made from raw[source[n]], raw (M, 3, 6000) float32 or float16.

    arrival (N,): the sample of the first that is known, negative for noise. Where the plan adds real noise or
    another earthquake, that is raw[partner[n]]; a window with partner[n] < 0 gets none, whatever the plan says. An
    earthquake that would not be seen is struck from plans[n].
    """
    facts = rows, copies, arrival, plans, raw, source, partner
    launch(_make_windows, len(rows), threads, np.uint64(seed), epochs, *facts, x)


@cuda.jit
def _make_windows(seed, epochs, rows, copies, arrival, plans, raw, source, partner, x):  # type: ignore[no-untyped-def]
    n, lane, lanes = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    parts = cuda.shared.array(THREADS, float64)
    scratch = cuda.shared.array(SAMPLES, float32)
    _build(
        seed, np.uint64(epochs[n]), rows[n], copies[n], arrival[n], plans[n], raw[source[n]],
        raw[larger(partner[n], 0)], partner[n] >= 0, x[n], scratch, lane, lanes, parts, _total, _largest, _meet,
    )  # fmt: skip


def make_labels(
    p: Array, s: Array, coda_end: Array, plans: Array, shape: int, labels: Array, threads: int = THREADS
) -> None:
    """Fills labels (N, 3, 6000) float32 of arrivals p, s (N,), NaN where not picked, as the plans move and double them.

    coda_end (N,): up to where a phase that was not picked leaves its labels open.
    """
    launch(_make_labels, len(p), threads, p, s, coda_end, plans, shape, labels)


@cuda.jit
def _make_labels(p, s, coda_end, plans, shape, labels):  # type: ignore[no-untyped-def]
    n, lane, lanes = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    _label(p[n], s[n], coda_end[n], plans[n], shape, labels[n], lane, lanes, _meet)


@cuda.jit(device=True)
def _meet():  # type: ignore[no-untyped-def]
    cuda.syncthreads()


@cuda.jit(device=True)
def _total(part, parts, lane, lanes):  # type: ignore[no-untyped-def]
    """The sum of all threads' parts, for each of them; always added up in the same order."""
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
    """The largest of all threads' parts, for each of them."""
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
