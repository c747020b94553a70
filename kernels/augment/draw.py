"""What happens to a window: twin of minieqt/data/draw.py, decision by decision.

A plan is one row of numbers, in the order of that file's class Plan. Everything is computed in float64 and as it is
written, without fast arithmetic, so that every machine takes the same decisions.
"""

from __future__ import annotations

import math

import numpy as np

from .philox import four_uniforms, larger, shared, smaller

SAMPLES, HALF_WIDTH = 6000, 20  # as in minieqt/data/table.py and labels.py
NUMBERS = 28  # uniform numbers that decide over a window, four to a counter

# Which number decides what: minieqt.data.draw.Draw.
U_SHIFT, U_SHIFT_BY, U_SECOND, U_SECOND_START, U_SECOND_DIVISOR, U_NOISE, U_NOISE_E, U_NOISE_N, U_NOISE_Z = range(9)
U_DROP, U_DROP_WHICH, U_SCALE, U_SCALE_BY, U_GAP, U_GAP_START, U_GAP_END = range(9, 16)
U_REAL, U_REAL_ROW, U_REAL_LEVEL, U_REAL_START, U_REAL_SIGN = range(16, 21)
U_FLIP, U_ROTATE, U_ROTATE_BY, U_STRETCH, U_STRETCH_BY = range(21, 26)

# The columns of a plan: the fields of minieqt.data.draw.Plan.
SHIFT, SECOND_START, SECOND_DIVISOR, NOISE, KEEP, SCALE, PRE_EMPHASIS, GAP_START, GAP_END = 0, 1, 2, 3, 6, 9, 10, 11, 12
REAL_NOISE, REAL_NOISE_START, REAL_NOISE_SIGN = 13, 14, 15
SPEED, QUIET_FROM, QUIET_TO, SECOND_FROM, ANGLE, FLIP = 16, 17, 18, 19, 20, 21
OTHER_EVENT, OTHER_FROM, OWN_P, OWN_S, OTHER_P, OTHER_S = 22, 23, 24, 25, 26, 27
COLUMNS = 28

# The rates: the fields of minieqt.data.augmentation.Augmentation.
R_SHIFT, R_SECOND, R_NOISE, R_DROP, R_SCALE, R_GAP, R_EARTHQUAKE_GAP, R_PRE_EMPHASIS, R_REAL_NOISE = range(9)
R_STRETCH, R_ROTATE, R_FLIP, R_OTHER = 9, 10, 11, 12

SNR_DB, NOISE_MIX_DB = (0.0, 30.0), (-10.0, 10.0)  # as in minieqt/data/draw.py
SLOWEST, FASTEST, LEAST_QUIET = 0.6, 1.7, 200


@shared
def draw_numbers(seed, epoch, row, copy, u):  # type: ignore[no-untyped-def]
    """u (28,) float64: the numbers of one copy of one row."""
    for block in range(NUMBERS // 4):
        a, b, c, d = four_uniforms(seed, np.uint64(block), np.uint64(row), epoch, np.uint64(2 * copy))
        u[4 * block], u[4 * block + 1], u[4 * block + 2], u[4 * block + 3] = a, b, c, d


@shared
def whole(u, low, high):  # type: ignore[no-untyped-def]
    """A whole number from low to high − 1."""
    return low + int(u * (high - low))


@shared
def draw_plan(u, p, s, coda_end, q, r, other_end, loud, rates, copy, plan):  # type: ignore[no-untyped-def]
    """plan (28,) of one window from its numbers u (28,) and what the table says of it (p and s are NaN for noise).

    q, r and other_end: P, S and the coda's end of its partner, NaN where that is noise or none.
    """
    for column in range(COLUMNS):
        plan[column] = 0
    for c in range(3):
        plan[KEEP + c] = 1
    plan[SECOND_DIVISOR] = plan[SCALE] = plan[REAL_NOISE_SIGN] = plan[SPEED] = plan[FLIP] = 1

    earthquake, both = p == p or s == s, p == p and s == s
    if copy == 0:
        if earthquake:
            plan[SHIFT] = draw_shift(u, coda_end, rates[R_SHIFT] / 2)
        return
    draw_speed(u, p, s, coda_end, rates[R_STRETCH], plan)
    if u[U_ROTATE] < rates[R_ROTATE]:
        plan[ANGLE] = 2 * math.pi * u[U_ROTATE_BY]
    if u[U_FLIP] < rates[R_FLIP]:
        plan[FLIP] = -1
    if not earthquake:
        draw_channels(u, rates[R_DROP], plan)
        draw_gap(u, rates[R_GAP], plan)
        draw_real_noise(u, rates[R_REAL_NOISE], NOISE_MIX_DB, plan)
    else:
        p, s, coda_end = p / plan[SPEED], s / plan[SPEED], coda_end / plan[SPEED]
        by = draw_shift(u, coda_end, rates[R_SHIFT])
        plan[SHIFT] = by
        plan[SECOND_DIVISOR] = whole(u[U_SECOND_DIVISOR], 1, 10)
        plan[PRE_EMPHASIS] = rates[R_PRE_EMPHASIS]
        p, s = p if p == p else s, s if s == s else p  # of one phase alone, nothing more is known than its own moment
        p, s, coda_end = p + by, s + by, coda_end + by
        draw_real_noise(u, rates[R_REAL_NOISE], SNR_DB, plan)
        if loud:
            if both and q == q and r == r:
                draw_other_event(u, rates, p, s, q, r, other_end, plan)
            if both and plan[OTHER_EVENT] == 0:
                plan[SECOND_START] = draw_second_start(u, p, s, coda_end, rates[R_SECOND])
            if u[U_NOISE] < rates[R_NOISE]:
                for c in range(3):
                    plan[NOISE + c] = 0.01 + 0.14 * u[U_NOISE_E + c]
            draw_channels(u, rates[R_DROP], plan)
        factor = 1 + 2 * u[U_SCALE_BY]
        if u[U_SCALE] < rates[R_SCALE]:
            plan[SCALE] = factor
        elif u[U_SCALE] < 2 * rates[R_SCALE]:
            plan[SCALE] = 1 / factor
        draw_gap(u, rates[R_EARTHQUAKE_GAP], plan)
        start, end = plan[GAP_START], plan[GAP_END]
        touched = overlaps(start, end, p, s) or (p < end and start < coda_end)
        if plan[SECOND_START] > 0:
            further = plan[SECOND_START] - math.floor(p)
            plan[SECOND_FROM] = math.floor(p) - by
            touched = touched or overlaps(start, end, p + further, s + further)
        if plan[OTHER_EVENT] > 0:
            q, r, other_end = plan[OTHER_P], plan[OTHER_S], other_end - q + plan[OTHER_P]
            touched = touched or overlaps(start, end, q, r) or (q < end and start < other_end)
        if touched:
            plan[GAP_START] = plan[GAP_END] = 0


@shared
def draw_speed(u, p, s, coda_end, rate, plan):  # type: ignore[no-untyped-def]
    """The speed, in 1024ths, and the quiet samples that fill up a window played faster."""
    if not u[U_STRETCH] < rate:
        return
    speed = math.floor(1024 * SLOWEST * (FASTEST / SLOWEST) ** u[U_STRETCH_BY] + 0.5) / 1024
    played = smaller(math.floor((SAMPLES - 1) / speed) + 1, SAMPLES)
    start, end, fits = 0, played, True
    if p == p or s == s:
        before = 0
        if p == p:
            before = larger(math.floor(p / speed) - HALF_WIDTH, 0)
        after = math.ceil(coda_end / speed)
        fits = after <= SAMPLES
        if played - after >= before:
            start = after
        else:
            end = before
    if fits and played == SAMPLES:
        plan[SPEED] = speed
    elif fits and end - start >= LEAST_QUIET:
        plan[SPEED], plan[QUIET_FROM], plan[QUIET_TO] = speed, start, end


@shared
def draw_shift(u, coda_end, rate):  # type: ignore[no-untyped-def]
    """1 … 6000 − coda_end, or 0."""
    by, room = 0, SAMPLES - math.ceil(coda_end)
    if u[U_SHIFT] < rate and room > 0:
        by = whole(u[U_SHIFT_BY], 1, room + 1)
    return by


@shared
def draw_second_start(u, p, s, coda_end, rate):  # type: ignore[no-untyped-def]
    """A sample after the coda from which S and its label still fit, or 0."""
    start, first = 0, math.ceil(coda_end)
    last = SAMPLES - math.ceil(s - math.floor(p)) - HALF_WIDTH - 1
    if u[U_SECOND] < rate and last - first > 20:
        start = whole(u[U_SECOND_START], first, last)
    return start


@shared
def draw_channels(u, rate, plan):  # type: ignore[no-untyped-def]
    """One of the 7 subsets of E, N, Z that are not empty."""
    if u[U_DROP] < rate:
        subset = whole(u[U_DROP_WHICH], 1, 8)
        for c in range(3):
            plan[KEEP + c] = (subset >> c) & 1


@shared
def draw_gap(u, rate, plan):  # type: ignore[no-untyped-def]
    """From a sample in 0 … 3999 up to a later one before 5500."""
    if u[U_GAP] < rate:
        start = whole(u[U_GAP_START], 0, 4000)
        plan[GAP_START], plan[GAP_END] = start, whole(u[U_GAP_END], start + 1, 5500)


@shared
def draw_real_noise(u, rate, decibels, plan):  # type: ignore[no-untyped-def]
    """A ratio whose decibels are spread evenly, a rotation in time and a sign."""
    if u[U_REAL] < rate:
        snr = decibels[0] + (decibels[1] - decibels[0]) * u[U_REAL_LEVEL]
        plan[REAL_NOISE] = 10.0 ** (-snr / 20)
        plan[REAL_NOISE_START] = whole(u[U_REAL_START], 0, SAMPLES)
        plan[REAL_NOISE_SIGN] = 1 if u[U_REAL_SIGN] < 0.5 else -1


@shared
def draw_other_event(u, rates, p, s, q, r, coda_end, plan):  # type: ignore[no-untyped-def]
    """How loud, a rotation in time, and where the arrivals of both come to stand."""
    if not rates[R_REAL_NOISE] <= u[U_REAL] < rates[R_REAL_NOISE] + rates[R_OTHER]:
        return
    plan[OTHER_EVENT] = 1 - u[U_REAL_LEVEL]
    first, last = smaller(HALF_WIDTH - math.floor(q), 0), SAMPLES - math.ceil(coda_end)
    by = whole(u[U_REAL_START], first, last + 1)
    plan[OTHER_FROM] = SAMPLES - by if by > 0 else -by
    plan[OWN_P], plan[OWN_S], plan[OTHER_P], plan[OTHER_S] = p, s, q + by, r + by


@shared
def overlaps(start, end, p, s):  # type: ignore[no-untyped-def]
    """Does the gap touch the event's labels?"""
    return p - HALF_WIDTH < end and start < larger(s + 2 * (s - p) / 5, s + HALF_WIDTH + 1)
