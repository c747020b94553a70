"""One clock for all: every channel onto one time base of 100 Hz, by its own time stamps.

A piece whose samples all lie within half a sample of the time base stays as it is. Any other, because its rate differs
or its clock drifts, is interpolated at the times of the time base, by a sinc of 2 REACH samples under a Lanczos window;
between two time stamps its clock runs evenly.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from minieqt.data.table import RATE
from minieqt.records.gap import Piece
from minieqt.records.span import SECOND

Array = Any

REACH = 12  # samples on either side that an interpolated one is made of
PHASES = 2048  # places between two samples for which weights are kept
BLOCK = 2**15  # samples that are interpolated at a time


def on_clock(piece: Piece, origin: int) -> tuple[int, Array]:
    """A piece of about 100 Hz -> the first sample on the time base that begins at `origin` (nanoseconds), and the data
    from there on (N,) float32."""
    known = piece.anchors or [(0, piece.start), (len(piece.data), piece.end())]
    samples = np.array([sample for sample, _ in known], np.float64)
    places = np.array([time - origin for _, time in known], np.float64) / SECOND * RATE
    at = round(places[0])
    if np.abs(places - (at + samples)).max() <= 0.5 + 1e-6:
        return at, piece.data
    step = (places[-1] - places[0]) / samples[-1]
    first, last = int(np.ceil(places[0] - 1e-6)), int(np.floor(places[-1] - step + 1e-6))
    y = np.empty(max(last - first + 1, 1), np.float32)
    for begin in range(0, len(y), BLOCK):
        wanted = first + np.arange(begin, min(begin + BLOCK, len(y)))
        y[begin : begin + BLOCK] = interpolate(piece.data, np.interp(wanted, places, samples))
    return first, y


def interpolate(data: Array, at: Array) -> Array:
    """y[n] = sum_k data[i + k] w(at[n] - i - k), i = floor(at[n]); data (N,), at (M,) in samples -> (M,)."""
    phase = np.round(at * PHASES).astype(np.int64)
    base = phase // PHASES
    low, high = int(base.min()) - REACH, int(base.max()) + REACH + 1
    near = data[np.clip(np.arange(low, high), 0, len(data) - 1)]
    taps = np.lib.stride_tricks.sliding_window_view(near, 2 * REACH)
    return np.einsum("nk,nk->n", taps[base - low - REACH + 1], weights()[phase % PHASES])


@cache
def weights() -> Array:
    """w (PHASES, 2 REACH): of the samples from REACH - 1 before to REACH after, for every place between two."""
    away = np.arange(PHASES)[:, None] / PHASES - np.arange(1 - REACH, REACH + 1)
    w = np.sinc(away) * np.sinc(away / REACH)
    return (w / w.sum(axis=1, keepdims=True)).astype(np.float32)
