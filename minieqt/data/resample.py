"""From other sampling rates to the 100 Hz that the network sees."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from minieqt.data.table import RATE
from minieqt.tables.missing import known, number

Array = Any

SLOWEST, FASTEST = 1.0, 10_000.0  # Hz: rates that a seismogram may have
FINEST = 10_000  # the largest denominator of 100 / rate: at the most 3 ms, a third of a sample, in a window's 60 s
HALF_LENGTH = 10  # of the filter, in samples of the slower of the two rates


def resample(x: Array, rate: float) -> Array:
    """(C, T) at `rate` Hz -> (C, about T · 100 / rate) float64 at 100 Hz, the first sample at the same time.

    The filter cuts off at the lower of both Nyquist frequencies: nothing above 50 Hz is folded back. Both ends are
    continued straight, so that a trend makes no step there.
    """
    from scipy.signal import resample_poly

    ratio = Fraction(RATE / rate).limit_denominator(FINEST)
    if ratio == 1:
        return x
    x = x.astype(np.float64)  # SciPy knows no float of 128 bits, which a file may hold
    mean = x.mean(axis=-1, keepdims=True)
    up, down = ratio.numerator, ratio.denominator
    return resample_poly(x - mean, up, down, axis=-1, window=_low_pass(max(up, down)), padtype="line") + mean


@lru_cache(16)
def _low_pass(factor: int) -> Array:
    """Taps of a low-pass at 1 / factor of the Nyquist frequency, Kaiser's window."""
    from scipy.signal import firwin

    return firwin(2 * HALF_LENGTH * factor + 1, 1 / factor, window=("kaiser", 5.0))


def stated_rate(rate: str, interval: str = "", otherwise: float = RATE) -> float:
    """Hz, of a table's texts: a rate in Hz, or else a sampling interval in s; `otherwise` where both are empty.

    NaN for a text that is no rate: "50 Hz", an interval of 0.
    """
    if known(rate):
        return number(rate)
    if known(interval):
        seconds = number(interval)
        return 1 / seconds if seconds > 0 else np.nan
    return otherwise


def to_100_hz(rate: float) -> float:
    """What samples at `rate` Hz are multiplied by; exactly 1 within rounding of 100 Hz."""
    return RATE / rate if abs(rate / RATE - 1) > 1e-9 else 1.0


def wrong_rate(rate: float) -> str:
    """Why records of this rate (Hz) cannot be resampled; the empty text if they can."""
    if SLOWEST <= rate <= FASTEST:
        return ""
    return "sampling rate that is no number" if np.isnan(rate) else f"sampling rate of {rate:g} Hz"
