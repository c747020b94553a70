"""Augmentation: what happens to a training window, drawn first and applied afterwards.

Drawing turns the window's 16 uniform numbers into a `Plan`: every decision and every amount. Applying turns a raw
window and a plan into what the network sees; one short function for each thing that can happen. The numbers come
from counters, so a plan depends on (seed, epoch, row, which copy) and on nothing else. This file is the
definition: a faster twin must take the same decisions and shift by the same samples.

A batch holds every trace twice. The plain copy is at most shifted. The augmented copy of an earthquake goes through

    speed → shift → second event → real noise → noise → rotate → flip → drop channels → scale → pre-emphasis → gap
    → normalise,

that of noise through  speed → real noise → rotate → flip → drop channels → gap → normalise.

Mousavi et al. 2020, Methods ("Data augmentation"), and the published code, whose rates are the defaults. Three things
differ from that code, each so that labels stay true: components are demeaned first, so that a gap is no step; the
channels that stay are never none, nor only dead ones; and a gap that would touch an earthquake is left out. Real noise,
speed, rotation and flip are not in that code, and off by default.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np

from minieqt.data.labels import HALF_WIDTH, detection_end
from minieqt.data.normalise import normalise
from minieqt.data.table import COMPONENTS, SAMPLES
from minieqt.errors import UserError
from minieqt.philox import AUGMENT, uniform

Array = Any

SNR_DB = (0.0, 30.0)  # of an earthquake over the background that real noise makes of it, by `real_noise_gain`
NOISE_MIX_DB = (-10.0, 10.0)  # of a noise window over the one that is added to it
ONSET, BEFORE = 200, 500  # samples from an arrival on, and before it, that say how strong it and the background are
PLAIN, AUGMENTED = range(2)  # which copy of the trace
SPEEDS = (0.6, 1.7)  # slowest and fastest that a window is played at
LEAST_QUIET = 200  # samples without an earthquake that a window needs before it is played faster
LOUD = 10.0  # snr_db that every component needs before noise or a second event is added or a channel dropped


@dataclass(frozen=True)
class Augmentation:
    """Probabilities, with the published defaults; the plain copy is shifted with half of `shift`."""

    shift: float = 0.99
    second_event: float = 0.6
    noise: float = 0.3
    drop_channels: float = 0.5
    scale: float = 0.0  # louder with this probability, fainter with this one again
    gap: float = 0.2  # of noise windows
    earthquake_gap: float = 0.0
    pre_emphasis: float = 0.0  # not a probability: the filter's coefficient (published 0.97), 0 for none
    real_noise: float = 0.0  # a noise window of the same split is added
    stretch: float = 0.0  # the window is played faster or slower
    rotate: float = 0.0  # of the horizontal components, by any angle
    flip: float = 0.0  # of the polarity of all components

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise UserError(f"augmentation {field.name} must lie in 0 to 1, got {getattr(self, field.name)}")

    @classmethod
    def parse(cls, text: str) -> Augmentation:
        """ "gap=0.1 pre_emphasis=0.97" -> the defaults but for these. UserError for an unknown name or no number."""
        names, rates = [field.name for field in fields(cls)], {}
        for part in text.split():
            name, _, rate = part.partition("=")
            try:
                rates[names[names.index(name)]] = float(rate)
            except ValueError:
                raise UserError(
                    f"augmentation {part!r} is not NAME=RATE with a number from 0 to 1; names: {', '.join(names)}"
                ) from None
        return cls(**rates)


# -- drawing -----------------------------------------------------------------------------------------------


class Draw(IntEnum):
    """What each of a window's uniform numbers decides."""

    SHIFT = 0
    SHIFT_BY = 1
    SECOND = 2
    SECOND_START = 3
    SECOND_DIVISOR = 4
    NOISE = 5
    NOISE_E = 6
    NOISE_N = 7
    NOISE_Z = 8
    DROP = 9
    DROP_WHICH = 10
    SCALE = 11
    SCALE_BY = 12
    GAP = 13
    GAP_START = 14
    GAP_END = 15
    REAL_NOISE = 16
    REAL_NOISE_ROW = 17
    REAL_NOISE_LEVEL = 18
    REAL_NOISE_START = 19
    REAL_NOISE_SIGN = 20
    FLIP = 21
    ROTATE = 22
    ROTATE_BY = 23
    STRETCH = 24
    STRETCH_BY = 25


@dataclass(frozen=True)
class Plan:
    """Every decision and amount for one window; as it stands, nothing happens."""

    shift: int = 0  # samples to the right
    second_start: int = 0  # sample at which the second event is added, 0 for none
    second_divisor: int = 1
    noise: tuple[float, float, float] = (0.0, 0.0, 0.0)  # deviation in parts of each component's maximum
    keep: tuple[bool, bool, bool] = (True, True, True)  # components E, N, Z
    scale: float = 1.0
    pre_emphasis: float = 0.0
    gap: tuple[int, int] = (0, 0)  # from, up to (not including)
    real_noise: float = 0.0  # what the background's level becomes, in parts of the earthquake's; 0 for as it is
    real_noise_start: int = 0  # the added window's sample that comes first
    real_noise_sign: int = 1
    speed: float = 1.0  # at which the window is played, in 1024ths
    quiet: tuple[int, int] = (0, 0)  # the played window's samples that stand in for those that are missing then
    second_from: int = 0  # the played window's sample that the second event begins with
    angle: float = 0.0  # of the horizontal components, radians
    flip: int = 1


def window_uniforms(seed: int, epoch: int, rows: Array, copy: int) -> Array:
    """The numbers that decide over some rows' windows: (len(rows), 26) float32 in [0, 1)."""
    return uniform((seed, AUGMENT), rows, len(Draw), epoch, 2 * copy)


def noise_samples(seed: int, epoch: int, row: int, copy: int) -> Array:
    """Standard normal numbers for one window, (3, 6000) float32, by Box and Muller's transform.

    Each pair (u, v) gives √(−2 ln(1 − u)) · (cos 2πv, sin 2πv), two neighbouring samples.
    """
    numbers = uniform((seed, AUGMENT), np.array([row]), COMPONENTS * SAMPLES, epoch, 2 * copy + 1)
    u, v = numbers.reshape(-1, 2).T
    radius = np.sqrt(-2 * np.log(1 - u))
    angle = np.float32(2 * np.pi) * v
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(COMPONENTS, SAMPLES)


def draw_plan(u: Array, p: float, s: float, coda_end: float, snr_db: Array, rates: Augmentation, copy: int) -> Plan:
    """The plan of one window from its numbers u and what the table says of it (p and s are NaN for noise).

    Compared and multiplied in float64, in which all of it is exact or rounds the same on every machine.
    """
    u, earthquake = u.astype(np.float64).tolist(), not np.isnan(p) or not np.isnan(s)
    if copy == PLAIN:
        return Plan(shift=_draw_shift(u, coda_end, rates.shift / 2) if earthquake else 0)
    speed, quiet = _draw_speed(u, p, s, coda_end, rates.stretch)
    always: dict[str, Any] = {
        "speed": speed,
        "quiet": quiet,
        "angle": 2 * np.pi * u[Draw.ROTATE_BY] if u[Draw.ROTATE] < rates.rotate else 0.0,
        "flip": -1 if u[Draw.FLIP] < rates.flip else 1,
    }
    if not earthquake:
        return Plan(
            keep=_draw_channels(u, rates.drop_channels),
            gap=_draw_gap(u, rates.gap),
            **_draw_real_noise(u, rates.real_noise, NOISE_MIX_DB),
            **always,
        )

    p, s, coda_end = p / speed, s / speed, coda_end / speed
    loud, both = bool((snr_db >= LOUD).all()), not np.isnan(p) and not np.isnan(s)
    p, s = np.fmin(p, s), np.fmax(p, s)  # of one phase alone, nothing more is known than its own moment
    by = _draw_shift(u, coda_end, rates.shift)
    p, s, coda_end = p + by, s + by, coda_end + by
    second_start = _draw_second_start(u, p, s, coda_end, rates.second_event if loud and both else 0)
    spans = [_labelled(p, s), (p, coda_end)]
    if second_start:
        further = second_start - np.floor(p)
        spans.append(_labelled(p + further, s + further))
    gap = _draw_gap(u, rates.earthquake_gap)
    if any(start < gap[1] and gap[0] < end for start, end in spans):
        gap = (0, 0)
    return Plan(
        shift=by,
        second_start=second_start,
        second_from=int(np.floor(p)) - by if second_start else 0,
        second_divisor=_whole(u[Draw.SECOND_DIVISOR], 1, 10),
        noise=_draw_noise(u, rates.noise if loud else 0),
        keep=_draw_channels(u, rates.drop_channels if loud else 0),
        scale=_draw_scale(u, rates.scale),
        pre_emphasis=rates.pre_emphasis,
        gap=gap,
        **_draw_real_noise(u, rates.real_noise, SNR_DB),
        **always,
    )


def _whole(u: float, low: int, high: int) -> int:
    """A whole number from low to high − 1."""
    return low + int(u * (high - low))


def _draw_speed(u: list[float], p: float, s: float, coda_end: float, rate: float) -> tuple[float, tuple[int, int]]:
    """A speed whose logarithm is spread evenly, and the quiet samples that fill up a window played faster.

    Quiet is what follows the coda and what precedes a known P; the longer of the two is taken, and of noise all of it.
    The speed stays 1 where the coda would not end in the window, or where too little is quiet. It is rounded to
    1024ths: so it, and what is divided by it, is the same on every machine.
    """
    low, high = SPEEDS
    speed = float(np.floor(1024 * low * (high / low) ** u[Draw.STRETCH_BY] + 0.5)) / 1024
    if not u[Draw.STRETCH] < rate:
        return 1.0, (0, 0)
    played = min(int(np.floor((SAMPLES - 1) / speed)) + 1, SAMPLES)
    quiet = (0, played)
    if not np.isnan(p) or not np.isnan(s):
        before = max(int(np.floor(p / speed)) - HALF_WIDTH, 0) if not np.isnan(p) else 0
        after = int(np.ceil(coda_end / speed))
        if after > SAMPLES:
            return 1.0, (0, 0)
        quiet = (after, played) if played - after >= before else (0, before)
    if played == SAMPLES:
        return speed, (0, 0)
    return (speed, quiet) if quiet[1] - quiet[0] >= LEAST_QUIET else (1.0, (0, 0))


def _draw_shift(u: list[float], coda_end: float, rate: float) -> int:
    """1 … 6000 − coda_end: what leaves on the right and returns on the left comes after the coda."""
    room = SAMPLES - int(np.ceil(coda_end))
    return _whole(u[Draw.SHIFT_BY], 1, room + 1) if u[Draw.SHIFT] < rate and room > 0 else 0


def _draw_second_start(u: list[float], p: float, s: float, coda_end: float, rate: float) -> int:
    """A sample after the coda from which S and its label still fit; 0 where there are not even 20 to choose from."""
    first = int(np.ceil(coda_end))
    last = SAMPLES - int(np.ceil(s - np.floor(p))) - HALF_WIDTH - 1
    return _whole(u[Draw.SECOND_START], first, last) if u[Draw.SECOND] < rate and last - first > 20 else 0


def _draw_noise(u: list[float], rate: float) -> tuple[float, float, float]:
    """0.01 to 0.15 of each component's maximum."""
    if not u[Draw.NOISE] < rate:
        return (0.0, 0.0, 0.0)
    e, n, z = (0.01 + 0.14 * u[draw] for draw in (Draw.NOISE_E, Draw.NOISE_N, Draw.NOISE_Z))
    return (e, n, z)


def _draw_channels(u: list[float], rate: float) -> tuple[bool, bool, bool]:
    """One of the 7 subsets of E, N, Z that are not empty: the bits of a number from 1 to 7."""
    subset = _whole(u[Draw.DROP_WHICH], 1, 8) if u[Draw.DROP] < rate else 7
    return (subset & 1 > 0, subset & 2 > 0, subset & 4 > 0)


def _draw_scale(u: list[float], rate: float) -> float:
    """Times 1 to 3 with the given rate, divided by 1 to 3 with the same rate again."""
    factor = 1 + 2 * u[Draw.SCALE_BY]
    return factor if u[Draw.SCALE] < rate else 1 / factor if u[Draw.SCALE] < 2 * rate else 1.0


def _labelled(p: float, s: float) -> tuple[float, float]:
    """From where up to where an event's labels reach."""
    return (p - HALF_WIDTH, max(detection_end(p, s), s + HALF_WIDTH + 1))


def _draw_gap(u: list[float], rate: float) -> tuple[int, int]:
    """From a sample in 0 … 3999 up to a later one before 5500."""
    if not u[Draw.GAP] < rate:
        return (0, 0)
    start = _whole(u[Draw.GAP_START], 0, 4000)
    return (start, _whole(u[Draw.GAP_END], start + 1, 5500))


def _draw_real_noise(u: list[float], rate: float, decibels: tuple[float, float]) -> dict[str, Any]:
    """A ratio whose decibels are spread evenly, a rotation in time and a sign: the fields of a Plan."""
    if not u[Draw.REAL_NOISE] < rate:
        return {}
    low, high = decibels
    snr = low + (high - low) * u[Draw.REAL_NOISE_LEVEL]
    return {
        "real_noise": 10 ** (-snr / 20),
        "real_noise_start": _whole(u[Draw.REAL_NOISE_START], 0, SAMPLES),
        "real_noise_sign": 1 if u[Draw.REAL_NOISE_SIGN] < 0.5 else -1,
    }


# -- applying ----------------------------------------------------------------------------------------------
# x (3, 6000) float32; arrivals (events, 2) float64, the columns P and S, samples; no rows for noise.


def augment_window(
    raw: Array,
    arrivals: Array,
    plan: Plan,
    noise: Array | None = None,
    real_noise: Array | None = None,
    normalisation: str = "component",
) -> tuple[Array, Array]:
    """Carry a plan out: raw window (3, 6000) and arrivals (events, 2) -> what the network sees, and its arrivals.

    noise: the (3, 6000) standard normal numbers, needed where the plan adds noise. real_noise: the recorded noise
    window (3, 6000) that the plan may add; None for none, whatever the plan says.
    """
    recorded = x = demean(raw)
    first = float(np.fmin(*arrivals[0])) if len(arrivals) else None
    if plan.speed != 1:
        x, arrivals = play(x, arrivals, plan.speed, *plan.quiet)
    if plan.shift:
        x, arrivals = shift(x, arrivals, plan.shift)
    if plan.second_start:
        x, arrivals = add_second_event(x, arrivals, plan.second_start, plan.second_divisor)
    if plan.real_noise and real_noise is not None:
        real_noise = demean(real_noise)
        gain = real_noise_gain(recorded, first, real_noise, plan.real_noise)
        x = add_real_noise(x, real_noise, gain, plan.real_noise_start, plan.real_noise_sign)
    if any(plan.noise):
        x = add_noise(x, plan.noise, noise)
    if plan.angle:
        x = rotate(x, plan.angle)
    if plan.flip < 0:
        x = -x
    if not all(plan.keep):
        x = drop_channels(x, plan.keep)
    if plan.scale != 1:
        x = x * np.float32(plan.scale)
    if plan.pre_emphasis:
        x = pre_emphasise(x, plan.pre_emphasis)
    if any(plan.gap):
        x = cut_gap(x, *plan.gap)
    return normalise(x, normalisation), arrivals


def demean(x: Array) -> Array:
    """Each component without its mean."""
    return x - x.mean(axis=-1, keepdims=True, dtype=np.float64).astype(np.float32)


def play(x: Array, arrivals: Array, speed: float, start: int, end: int) -> tuple[Array, Array]:
    """Sample t becomes what was at speed · t; where the recording is over, samples start … end − 1, back and forth.

    Catmull and Rom's spline goes through the samples. Faster, what lies above the new Nyquist frequency would come
    back as a lower one: the mean of two points half a new sample apart lowers it, by 3 dB at that frequency and by 13
    at the old one when played 1.7 times as fast.
    """
    t = np.arange(SAMPLES)
    if speed <= 1:
        y = spline(x, speed * t)
    else:
        y = (spline(x, speed * (t - 0.25)) + spline(x, speed * (t + 0.25))) * np.float32(0.5)
        played = int(np.floor((SAMPLES - 1) / speed)) + 1
        back = (t[played:] - played) % (2 * (end - start))
        y[:, played:] = y[:, np.where(back < end - start, end - 1 - back, 2 * start - end + back)]
    return y, arrivals / speed


def spline(x: Array, at: Array) -> Array:
    """Catmull and Rom's cubic through x (…, T), whose ends go on as they are, at the moments `at`, in samples."""
    whole = np.floor(at).astype(np.int64)
    f = (at - whole).astype(np.float32)
    a, b, c, d = (x[..., np.clip(whole + i, 0, x.shape[-1] - 1)] for i in (-1, 0, 1, 2))
    return b + np.float32(0.5) * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)))


def rotate(x: Array, angle: float) -> Array:
    """Turn the horizontal components E and N, as if the sensor stood otherwise; not where one of them is dead."""
    if not x[:2].any(axis=-1).all():
        return x
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return np.stack([cosine * x[0] - sine * x[1], sine * x[0] + cosine * x[1], x[2]])


def shift(x: Array, arrivals: Array, by: int) -> tuple[Array, Array]:
    """Rotate to the right; the end of the window returns at its start."""
    return np.roll(x, by, axis=-1), arrivals + by


def add_second_event(x: Array, arrivals: Array, start: int, divisor: int) -> tuple[Array, Array]:
    """Add the same event, from P on, again at sample `start`, `divisor` times smaller."""
    first = int(np.floor(arrivals[0, 0]))
    both = x.copy()
    both[:, start:] += x[:, first : first + SAMPLES - start] / np.float32(divisor)
    return both, np.concatenate([arrivals, arrivals + (start - first)])


def add_noise(x: Array, deviations: tuple[float, float, float], noise: Array) -> Array:
    """Add white noise; `deviations` in parts of each component's maximum, so that a dead component stays dead."""
    return x + np.array(deviations, np.float32)[:, None] * x.max(axis=-1, keepdims=True) * noise


def real_noise_gain(recorded: Array, arrival: float | None, noise: Array, ratio: float) -> float:
    """What a noise window is multiplied by, so that the background becomes `ratio` times as strong as the earthquake.

    Strength is the mean square over the live components together: of the earthquake in the 2 s from its first known
    arrival on, less that of the background; of the background in the 5 s before, up to 0.2 s before the arrival. A
    background that is stronger already stays as it is (gain 0): so no arrival drowns that did not lie in noise
    before. Of a noise window (arrival None) the whole counts as the earthquake would, and nothing as background.
    """
    live, background = recorded.any(axis=-1), 0.0
    if arrival is None:
        signal = _power(recorded[live])
    else:
        t = int(arrival)
        background = _power(recorded[live, max(t - BEFORE, 0) : max(t - HALF_WIDTH, 0)])
        signal = max(_power(recorded[live, t : t + ONSET]) - background, 0)
    wanted, added = ratio**2 * signal - background, _power(noise[live])
    return float(np.sqrt(wanted / added)) if wanted > 0 and added > 0 else 0.0


def _power(x: Array) -> float:
    """Σ over components of the mean of x²; 0 for no samples."""
    return float((x.astype(np.float64) ** 2).sum() / max(x.shape[-1], 1))


def add_real_noise(x: Array, noise: Array, gain: float, start: int, sign: int) -> Array:
    """Add a recorded noise window, rotated so that its sample `start` comes first; a dead component stays dead.

    One gain for all components: noise too is stronger on some of them.
    """
    added = np.float32(gain * sign) * np.roll(noise, -start, axis=-1)
    return np.where(x.any(axis=-1, keepdims=True), x + added, x)


def drop_channels(x: Array, keep: tuple[bool, bool, bool]) -> Array:
    """Zero the others and multiply what stays by 3 / (live components); nothing is dropped if none were live."""
    kept = x * np.array(keep, np.float32)[:, None]
    live = np.count_nonzero(kept.any(axis=-1))
    return kept * np.float32(COMPONENTS / live) if live else x


def pre_emphasise(x: Array, coefficient: float) -> Array:
    """y_t = x_t − coefficient · x_{t−1}, which lifts high frequencies."""
    y = x.copy()
    y[:, 1:] -= np.float32(coefficient) * x[:, :-1]
    return y


def cut_gap(x: Array, start: int, end: int) -> Array:
    """Zeros from start up to end, as where a recording was interrupted."""
    y = x.copy()
    y[:, start:end] = 0
    return y
