"""What the network is shown of a channel: without its mean, band-passed, at about 100 Hz."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from scipy import signal

from minieqt.data.table import RATE
from minieqt.errors import UserError
from minieqt.records.channel import CARRIED, carries
from minieqt.records.gap import Piece

Array = Any

BLOCK = 2**16  # samples that are filtered at a time: as many as fit the processor's cache


def check_band(band: tuple[float, float] | None) -> None:
    """UserError for corners (Hz) of which no band-pass can be made that leaves something of the network's rate."""
    if band is not None and not (0 < band[0] < band[1] < float("inf") and carries(RATE, band[0])):
        told = f"two rising corners above 0 Hz, the lower one below {CARRIED * RATE / 2:g} Hz"
        raise UserError(f"a band-pass needs {told}, got {band[0]:g} and {band[1]:g}")


def prepare(piece: Piece, band: tuple[float, float] | None) -> Piece:
    """Demean, band-pass between two corners (Hz, Butterworth of two corners, zero phase; None: leave out), resample.

    Where the upper corner lies beyond the Nyquist frequency it is a high-pass. The new rate is the nearest to 100 Hz
    that a fraction with a denominator up to 100 gives: exactly 100 Hz where possible; data at about 100 Hz keep theirs.
    """
    if band is None:
        data = (piece.data - piece.data.mean(dtype=np.float64)).astype(np.float32)
    else:
        kind, corners = ("bandpass", band) if carries(piece.rate, band[1]) else ("highpass", band[0])
        data = filter_both_ways(signal.butter(2, corners, kind, fs=piece.rate, output="sos"), piece)
    ratio = Fraction(RATE / piece.rate).limit_denominator(100)
    if ratio != 1:
        data = signal.resample_poly(data, ratio.numerator, ratio.denominator)
    anchors = [(float(sample * ratio), time) for sample, time in piece.anchors]
    return Piece(piece.start, float(piece.rate * ratio), data.astype(np.float32, copy=False), piece.id, anchors)


def filter_both_ways(sections: Array, piece: Piece) -> Array:
    """`scipy.signal.sosfiltfilt` of a piece's data (N,) less their mean -> (N,) float32, in float64, block by block.

    Forwards, then backwards, over the data and the odd reflection of a second at either end. Between the two passes
    the data are float32, when what lies outside the band is gone; so a day needs no copies in float64.
    """
    data, mean = piece.data, piece.data.mean(dtype=np.float64)
    y = np.empty(len(data), np.float32)
    count = min(round(piece.rate), len(data) - 1)
    left = 2 * np.float64(data[0]) - data[count:0:-1]
    right = 2 * np.float64(data[-1]) - data[-2 : -2 - count : -1]
    blocks = [slice(first, first + BLOCK) for first in range(0, len(data), BLOCK)]
    before = [part for part in (left, *(data[block] for block in blocks), right) if len(part)]
    after = [part for part in (left.copy(), *(y[block] for block in blocks), right.copy()) if len(part)]
    start = signal.sosfilt_zi(sections)
    state = start * (before[0][0] - mean)
    for part, into in zip(before, after, strict=True):
        into[:], state = signal.sosfilt(sections, part - mean, zi=state)
    state = start * after[-1][-1]
    for part in reversed(after):
        part[::-1], state = signal.sosfilt(sections, part[::-1], zi=state)
    return y
