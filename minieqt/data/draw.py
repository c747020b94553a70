"""What augmentation does to a training window, drawn beforehand: a window's uniform numbers become a `Plan`.

Every decision and every amount is in the plan; augment.py carries it out. The numbers come from counters, so a plan
depends on (seed, epoch, row, which copy) and on nothing else. This file is the definition: a faster twin must take the
same decisions and shift by the same samples.

A batch holds every trace twice. The plain copy is at most shifted. Two decisions differ from the published code's, so
that labels stay true: at least one channel stays, and not only dead ones; and a gap that would touch an earthquake is
left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from minieqt.data.augmentation import PLAIN, Augmentation
from minieqt.data.labels import HALF_WIDTH, detection_end
from minieqt.data.table import COMPONENTS, SAMPLES
from minieqt.philox import AUGMENT, uniform

Array = Any

SNR_DB = (0.0, 30.0)  # of an earthquake over the background that real noise makes of it
NOISE_MIX_DB = (-10.0, 10.0)  # of a noise window over the one that is added to it
SPEEDS = (0.6, 1.7)  # slowest and fastest that a window is played at
LEAST_QUIET = 200  # samples without an earthquake that a window needs before it is played faster
LOUD = 10.0  # snr_db that every component needs before noise or a second event is added or a channel dropped


class Draw(IntEnum):
    """What each of a window's uniform numbers decides.

    The five of real noise also decide about another event: a window gets the one, the other or neither.
    """

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
    """Every decision and amount for one window; by default nothing happens."""

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
    other_event: float = 0.0  # loudness of another earthquake, from above 0 (just seen) to 1 (the most allowed)
    other_from: int = 0  # the other window's sample that comes first
    own_p: float = 0.0  # the arrivals of both in the augmented window, samples
    own_s: float = 0.0
    other_p: float = 0.0
    other_s: float = 0.0


def window_uniforms(seed: int, epoch: int, rows: Array, copy: int) -> Array:
    """The numbers that decide about some rows' windows: (len(rows), 26) float32 in [0, 1)."""
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


def draw_plan(
    u: Array,
    p: float,
    s: float,
    coda_end: float,
    snr_db: Array,
    rates: Augmentation,
    copy: int,
    other: tuple[float, float, float] | None = None,
) -> Plan:
    """The plan of one window from its numbers u and what the table says of it (p and s are NaN for noise).

    other: P, S and the coda's end of the earthquake that is its partner (partners.py), if it has one.

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
    further_event = _draw_other_event(u, rates, p, s, *other) if other and loud and both else {}
    second = rates.second_event if loud and both and not further_event else 0
    second_start = _draw_second_start(u, p, s, coda_end, second)
    spans = [_labelled(p, s), (p, coda_end)]
    if other and further_event:
        q, r = further_event["other_p"], further_event["other_s"]
        spans += [_labelled(q, r), (q, other[2] - other[0] + q)]
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
        **further_event,
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


def _draw_other_event(
    u: list[float], rates: Augmentation, p: float, s: float, q: float, r: float, coda_end: float
) -> dict[str, Any]:
    """How loud, evenly in decibels, and a rotation in time: the fields of a Plan.

    p, s: the window's own arrivals where they come to stand; q, r, coda_end: the other's, as recorded. It is moved to
    the left so far that P's label still fits, and to the right as far as `_draw_shift` does: what leaves on one side
    returns on the other as what was recorded before P or after the coda.
    """
    if np.isnan(q + r) or not rates.real_noise <= u[Draw.REAL_NOISE] < rates.real_noise + rates.other_event:
        return {}
    by = _whole(u[Draw.REAL_NOISE_START], min(HALF_WIDTH - int(np.floor(q)), 0), SAMPLES - int(np.ceil(coda_end)) + 1)
    stands = {"own_p": p, "own_s": s, "other_p": q + by, "other_s": r + by}
    return {"other_event": 1 - u[Draw.REAL_NOISE_LEVEL], "other_from": -by % SAMPLES, **stands}
