"""Augmentation, applied: a raw window and a `Plan` (draw.py) become what the network sees.

One short function for each thing that can happen. The augmented copy of an earthquake goes through

    speed → shift → second or other event → real noise → noise → rotate → drop channels → flip → scale → pre-emphasis
    → gap → normalise,

that of noise through  speed → real noise → rotate → drop channels → flip → gap → normalise. Unlike the published code
(Mousavi et al. 2020) components are demeaned first, so that a gap is no step. Throughout, x is (3, 6000) float32 and
arrivals (events, 2) float64: the columns P and S in samples, no rows for noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.data.draw import Plan
from minieqt.data.labels import HALF_WIDTH
from minieqt.data.normalise import normalise
from minieqt.data.table import COMPONENTS, SAMPLES

Array = Any

ONSET, BEFORE = 200, 500  # samples from an arrival on, and before it, that say how strong it and the background are
SEEN, HIDES = 100, 2.0  # samples after an arrival, and how many times as strong as another event they must be


def augment_window(
    raw: Array,
    arrivals: Array,
    plan: Plan,
    noise: Array | None = None,
    borrowed: Array | None = None,
    normalisation: str = "component",
) -> tuple[Array, Array]:
    """Carry a plan out: raw window (3, 6000) and arrivals (events, 2) -> what the network sees, and its arrivals.

    noise: the (3, 6000) standard normal numbers, needed where the plan adds noise. borrowed: the recorded window
    (3, 6000) that the plan may add, real noise or another earthquake; None for none, whatever the plan says.
    """
    recorded = x = demean(raw)
    first = float(np.fmin(*arrivals[0])) if len(arrivals) else None
    if plan.speed != 1:
        x, arrivals = play(x, arrivals, plan.speed, *plan.quiet)
    if plan.shift:
        x, arrivals = shift(x, arrivals, plan.shift)
    if plan.second_start:
        x, arrivals = add_second_event(x, arrivals, plan.second_start, plan.second_divisor)
    if plan.other_event and borrowed is not None:
        x, arrivals = add_other_event(x, arrivals, demean(borrowed), plan)
    if plan.real_noise and borrowed is not None:
        real_noise = demean(borrowed)
        gain = real_noise_gain(recorded, first, real_noise, plan.real_noise)
        x = add_real_noise(x, real_noise, gain, plan.real_noise_start, plan.real_noise_sign)
    if any(plan.noise):
        x = add_noise(x, plan.noise, noise)
    if plan.angle:
        x = rotate(x, plan.angle)
    if not all(plan.keep):
        alone = None
        if plan.real_noise and borrowed is not None:
            alone = np.float32(plan.real_noise_sign) * np.roll(demean(borrowed), -plan.real_noise_start, axis=-1)
        x = drop_channels(x, plan.keep, alone)
    if plan.flip < 0:
        x = -x
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


def add_other_event(x: Array, arrivals: Array, other: Array, plan: Plan) -> tuple[Array, Array]:
    """Add another earthquake's window (3, 6000), rotated so that its sample `plan.other_from` comes first.

    An arrival is seen if its first second is twice as strong as what the other event brings from a second before it to
    a second after; strength is the mean square, over the window's live components together. The other event's power is
    multiplied by least · (most / least)^other_event: least is what makes its own arrivals seen, most what leaves the
    window's. Where there is no such range, nothing is added: no label is put where nothing shows.
    """
    live, other = x.any(axis=-1), np.roll(other, -plan.other_from, axis=-1)
    most = prominence(x[live], other[live], (plan.own_p, plan.own_s)) / HIDES
    others = prominence(other[live], x[live], (plan.other_p, plan.other_s))
    least = HIDES / others if others > 0 else np.inf
    if not 0 < least < most < np.inf:
        return x, arrivals
    gain = np.float32(np.sqrt(least * (most / least) ** plan.other_event))
    both = np.where(live[:, None], x + gain * other, x)
    return both, np.concatenate([arrivals, [[plan.other_p, plan.other_s]]])


def prominence(event: Array, other: Array, arrivals: tuple[float, float]) -> float:
    """How many times as strong as another event an event is, at the less prominent arrival; 0 if one is silent."""
    found = np.inf
    for t in map(int, arrivals):
        strength, rest = _power(event[:, t : t + SEEN]), _power(other[:, max(t - SEEN, 0) : t + SEEN])
        if strength == 0:
            return 0.0
        found = min(found, strength / rest if rest > 0 else np.inf)
    return found


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


def drop_channels(x: Array, keep: tuple[bool, bool, bool], alone: Array | None = None) -> Array:
    """Zero the others and multiply what stays by 3 / (live components); nothing is dropped if none were live.

    alone (3, 6000): real noise, which the others record alone, in place of zeros.
    """
    kept = x * np.array(keep, np.float32)[:, None]
    live = np.count_nonzero(kept.any(axis=-1))
    if not live:
        return x
    others = ~np.array(keep)[:, None]
    return kept * np.float32(COMPONENTS / live) + (others * alone if alone is not None else np.float32(0))


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
