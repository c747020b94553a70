"""Classic pickers, on the windows that the network sees.

    STA/LTA          recursive and classic (Withers et al. 1998): detection           ObsPy
    AIC              Maeda (1985), where an STA/LTA rises: P and S                    ObsPy
    Baer             Baer & Kradolfer (1987): P                                       ObsPy
    AR               autoregressive AIC (Akazawa 2004): P and S                       ObsPy
    kurtosis         steepest rise of a running kurtosis (Saragiotis et al. 2002): P and S
    FilterPicker     Lomax et al. (2012), its characteristic function, simplified: P and S

Each takes band-passed seismograms (by causal filters: nothing is smeared ahead of an onset) and its parameters, and
gives for each of its outputs a sample and a height, or nothing. The height is what a threshold is compared with: for
detection the largest STA/LTA, for picks how many decibels stronger the second after the pick is than the one before
it. Parameters come from `GRIDS`, thresholds from the data: see `tuning`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from obspy.signal.filter import bandpass
from obspy.signal.trigger import aic_simple, ar_pick, classic_sta_lta, pk_baer, recursive_sta_lta
from scipy.signal import lfilter

from minieqt.evaluation.answers import NEVER, Answers

Array = Any
Found = dict[str, tuple[int, float]]  # {output: (sample, height)}

RATE = 100  # Hz
S_AFTER_P = 0.5  # s: an S is not looked for before that
ONE_SECOND = RATE


# -- detection -----------------------------------------------------------------------------------------------------


def sta_lta(x: Array, z: int, function: Callable[[Array, int, int], Array], sta: float, lta: float) -> Found:
    """The largest ratio of a short to a long average of power, on the vertical."""
    ratio = function(x[z], round(sta * RATE), round(lta * RATE))
    sample = int(ratio.argmax())
    return {"detection": (sample, float(ratio[sample]))}


# -- phases --------------------------------------------------------------------------------------------------------


def rise(x: Array, sta: float, lta: float, share: float) -> int:
    """Where the recursive STA/LTA of x (T,) first reaches a share of its largest value: roughly the first onset."""
    ratio = recursive_sta_lta(x, round(sta * RATE), round(lta * RATE))
    return int((ratio >= share * ratio.max()).argmax())


def aic_near(x: Array, first: int, last: int) -> int:
    """The sample of x (T,) at which AIC splits the stretch from first to last best."""
    first, last = max(first, 0), min(last, len(x))
    if last - first < 20:
        return first
    curve = aic_simple(x[first:last])
    return first + 5 + int(curve[5:-5].argmin())  # at the ends a variance is that of a few samples


def aic(x: Array, z: int, sta: float, lta: float, reach: float) -> Found:
    """P: AIC within `reach` seconds of the vertical's rise. S: AIC on the stronger horizontal from after P to a little
    behind its largest amplitude."""
    coarse = rise(x[z], sta, lta, 0.5)
    p = aic_near(x[z], coarse - round(reach * RATE), coarse + round(0.5 * reach * RATE))
    found = {"P": pick(x[z], p)}
    h = horizontal(x, p)
    begin = p + round(S_AFTER_P * RATE)
    if begin < len(x[h]) - ONE_SECOND:
        peak = begin + int(np.abs(x[h, begin:]).argmax())
        s = aic_near(x[h], begin, peak + round(0.2 * RATE))
        found["S"] = pick(x[h], s)
    return found


def baer(x: Array, z: int, threshold: float, up: float) -> Found:
    """P: Baer and Kradolfer's picker, with its own threshold and the time that it must stay exceeded."""
    sample, _ = pk_baer(x[z], RATE, 20, round(up * RATE), threshold, 12.0, ONE_SECOND, ONE_SECOND)
    return {"P": pick(x[z], sample)} if sample > 1 else {}


def autoregressive(x: Array, z: int, m: int, l: float) -> Found:
    """P and S of ObsPy's AR picker; m and l: order of the autoregressive models and their windows' length in seconds.
    The other lengths are those of ObsPy's documentation."""
    n, e = (c if np.ptp(x[c]) > 0 else z for c in (1, 0))
    hiss = 1e-3 * np.random.default_rng(0).standard_normal(x.shape[1]) * x[z].std()  # it takes logarithms of errors
    p, s = ar_pick(*(x[c] + hiss for c in (z, n, e)), RATE, 1.0, 20.0, 1.0, 0.1, 4.0, 1.0, m, 4 * m, l, 2 * l)
    found = {}
    if p > 0:
        found["P"] = pick(x[z], round(p * RATE))
    if s > p + S_AFTER_P:
        found["S"] = pick(x[horizontal(x, round(p * RATE))], round(s * RATE))
    return found


def kurtosis(x: Array, z: int, length: float, smooth: float) -> Found:
    """P: where the vertical's kurtosis over the last `length` seconds rises most steeply. S: the same on the stronger
    horizontal, after P."""
    p = steepest(x[z], length, smooth, 0)
    h = horizontal(x, p)
    begin = p + round(S_AFTER_P * RATE)
    found = {"P": pick(x[z], p)}
    if begin < x.shape[1] - ONE_SECOND:
        found["S"] = pick(x[h], steepest(x[h], length, smooth, begin))
    return found


def steepest(x: Array, length: float, smooth: float, begin: int) -> int:
    """The sample from `begin` on at which the running kurtosis of x (T,) jumps most, where it gains most in `smooth`
    seconds."""
    n, ahead = round(length * RATE), round(smooth * RATE)
    moments = [np.cumsum(x.astype(float) ** power) for power in (1, 2, 3, 4)]
    m1, m2, m3, m4 = ((m[n:] - m[:-n]) / n for m in moments)  # of the n samples that end at sample n + k
    variance = np.maximum(m2 - m1**2, 1e-12 * np.mean(x**2) + 1e-300)
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    curve = fourth / variance**2
    first = max(begin - n, 0)
    gain = curve[first + ahead :] - curve[first : len(curve) - ahead]
    if not len(gain):
        return begin
    k = first + int(gain.argmax())
    return n + k + int(np.diff(curve[k : k + ahead + 1]).argmax())


def filter_picker(x: Array, z: int, s1: float, s2: float, up: float, long: float) -> Found:
    """P: the first trigger on the vertical. S: the first after P on the stronger horizontal."""
    p = first_trigger(x[z], 0, s1, s2, up, long)
    if p is None:
        return {}
    found = {"P": pick(x[z], p)}
    h = horizontal(x, p)
    s = first_trigger(x[h], p + round(S_AFTER_P * RATE), s1, s2, up, long)
    return found if s is None else found | {"S": pick(x[h], s)}


def first_trigger(x: Array, begin: int, s1: float, s2: float, up: float, long: float) -> int | None:
    """The first sample from `begin` on where F rises to s1 and its mean over `up` seconds is at least s2.

    F is the largest over bands of (y² − mean) / deviation, mean and deviation of y² decaying over `long` seconds, cut
    at 5 s1 (Lomax et al. 2012, section "FilterPicker algorithm"; theirs filters with cascades of one-pole filters).
    """
    keep = math.exp(-1 / (long * RATE))
    largest = np.full(len(x), -np.inf)
    for low in (1.0, 2.0, 4.0, 8.0, 16.0):
        power = bandpass(x, low, min(2 * low, 45.0), RATE, corners=2) ** 2
        # Means that begin as the first seconds' own, so that the start of the window is no onset.
        mean, square = (decaying(v, keep, v[: 2 * RATE].mean()) for v in (power, power**2))
        deviation = np.sqrt(np.maximum(square - mean**2, 1e-24 * mean**2 + 1e-300))
        now, before = power[1:], slice(None, -1)
        largest[1:] = np.maximum(largest[1:], (now - mean[before]) / deviation[before])
    largest = np.clip(largest, 0, 5 * s1)
    n = round(up * RATE)
    sums = np.concatenate([[0], np.cumsum(largest)])
    ahead = (sums[n:] - sums[:-n]) / n  # the mean of the n samples from here on
    over = largest[: len(ahead)] >= s1
    over[1:] &= largest[: len(ahead) - 1] < s1
    hit = np.flatnonzero(over & (ahead >= s2) & (np.arange(len(ahead)) >= max(begin, RATE)))
    return int(hit[0]) if len(hit) else None


def decaying(v: Array, keep: float, start: float) -> Array:
    """m[t] = keep m[t − 1] + (1 − keep) v[t], m[−1] = start."""
    return lfilter([1 - keep], [1, -keep], v, zi=[keep * start])[0]


# -- what they share -----------------------------------------------------------------------------------------------


def pick(x: Array, sample: int) -> tuple[int, float]:
    """(sample, how many decibels the second of x (T,) from it on is stronger than the one before it)."""
    sample = int(min(max(sample, 0), len(x) - 1))
    before, after = x[max(sample - ONE_SECOND, 0) : sample], x[sample : sample + ONE_SECOND]
    if len(before) < 10 or not before.any() or not after.any():
        return sample, NEVER
    return sample, float(10 * np.log10(np.mean(after**2) / np.mean(before**2)))


def horizontal(x: Array, p: int) -> int:
    """The horizontal with more energy after P; the vertical, if both are dead."""
    energy = np.mean(x[:2, p:].astype(float) ** 2, axis=1) if p < x.shape[1] else np.zeros(2)
    return int(energy.argmax()) if energy.any() else vertical(x)


def vertical(x: Array) -> int:
    """Z, or another component where Z is dead."""
    live = np.ptp(x, axis=1) > 0
    return 2 if live[2] or not live.any() else int(live.argmax())


BANDS = ((1.0, 20.0), (3.0, 20.0))  # Hz
STA_LTA = {"sta": (0.3, 1.0), "lta": (4.0, 10.0)}

# {name: (function, outputs, {parameter: values to choose from})}
GRIDS: dict[str, tuple[Callable[..., Found], tuple[str, ...], dict[str, tuple[Any, ...]]]] = {
    "STA/LTA, recursive": (sta_lta, ("detection",), {"function": (recursive_sta_lta,)} | STA_LTA),
    "STA/LTA, classic": (sta_lta, ("detection",), {"function": (classic_sta_lta,)} | STA_LTA),
    "AIC": (aic, ("P", "S"), {"sta": (0.2, 0.5), "lta": (4.0,), "reach": (1.0, 3.0)}),
    "Baer": (baer, ("P",), {"threshold": (5.0, 7.0, 10.0, 20.0), "up": (0.1, 0.4)}),
    "AR": (autoregressive, ("P", "S"), {"m": (2,), "l": (0.1, 0.2)}),
    "kurtosis": (kurtosis, ("P", "S"), {"length": (2.0, 4.0), "smooth": (0.1, 0.3)}),
    "FilterPicker": (
        filter_picker,
        ("P", "S"),
        {"s1": (6.0, 15.0), "s2": (8.0,), "up": (0.3,), "long": (5.0,)},
    ),
}


class Baseline:
    """One of GRIDS with one choice of parameters, as `answer_windows.Picker`."""

    alone = True  # ObsPy's AR picker has static memory, which a second call in another thread overwrites

    def __init__(self, name: str, band: tuple[float, float], parameters: dict[str, Any]):
        self.name, self.band, self.parameters = name, band, parameters
        self.function, self.outputs, _ = GRIDS[name]

    def __call__(self, x: Array, first: int = 0) -> Answers:
        filtered = bandpass(x - x.mean(axis=2, keepdims=True), *self.band, RATE, corners=2)
        found = [self.one(window) for window in filtered]
        heights = {output: np.array([f.get(output, (0, NEVER))[1] for f in found]) for output in self.outputs}
        samples = {
            phase: np.array([f.get(phase, (-1, 0.0))[0] for f in found], np.int64)
            for phase in self.outputs
            if phase != "detection"
        }
        return Answers(heights, samples)

    def one(self, x: Array) -> Found:
        """x (3, 6000) band-passed. A window without a live component has nothing in it."""
        z = vertical(x)
        return self.function(x, z, **self.parameters) if np.ptp(x[z]) > 0 else {}

    def describe(self) -> str:
        """The parameters in words."""
        low, high = self.band
        given = [f"{name} {value:g}" for name, value in self.parameters.items() if not callable(value)]
        return ", ".join([f"{low:g}–{high:g} Hz", *given])


def choices(name: str) -> Iterator[Baseline]:
    """Every combination of a baseline's parameters and the bands."""
    _, _, grid = GRIDS[name]
    for band, *values in product(BANDS, *grid.values()):
        yield Baseline(name, band, dict(zip(grid, values, strict=True)))
