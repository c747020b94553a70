"""What the network sees of a window: twin of minieqt/data/augment.py, normalise.py and labels.py.

Each step walks over one component (6000,) float32 with `lanes` threads, of which this one takes every sample t with
t mod lanes = lane: one thread on a processor, a block of them on a GPU, where threads must meet between two steps. The
sums that need all samples are left as each thread's part.

Factors common to a whole component (the scale, 3 / live channels) vanish when it is normalised, and are left out.

`build` and `label` put the steps together for both machines, each of which compiles them. What differs is handed in:
`total` and `largest` make one number of all threads' parts (`parts` is the memory they share for it), and `meet` waits
until all of them are there.
"""

from __future__ import annotations

import math

import numpy as np

from .draw import (
    ANGLE,
    FLIP,
    GAP_END,
    GAP_START,
    HALF_WIDTH,
    KEEP,
    NOISE,
    OTHER_EVENT,
    OTHER_FROM,
    OTHER_P,
    OTHER_S,
    OWN_P,
    PRE_EMPHASIS,
    QUIET_FROM,
    QUIET_TO,
    REAL_NOISE,
    REAL_NOISE_SIGN,
    REAL_NOISE_START,
    SAMPLES,
    SECOND_DIVISOR,
    SECOND_FROM,
    SECOND_START,
    SHIFT,
    SPEED,
)
from .philox import four_uniforms, inlined, larger, shared, smaller

LN2, LAST_COSINE, LAST_SINE = np.float32(math.log(2)), np.float32(1 / 40320), np.float32(1 / 362880)
POWERS = tuple((np.float32(e), np.float32(2.0**e)) for e in (16, 8, 4, 2, 1))
ONE, TWO, THREE, HALF, TURN = np.float32(1), np.float32(2), np.float32(3), np.float32(0.5), np.float32(2 * np.pi)
GAUSSIAN, TRIANGLE, BOX = range(3)  # shapes of a pick's label
DEVIATION = 10.0  # of the Gaussian, samples
UNLABELLED = np.float32(-1)
ONSET, BEFORE, SEEN, HIDES = 200, 500, 100, 2.0  # as in minieqt/data/augment.py
ENDLESS = 1e300  # in place of infinity, which fast arithmetic does not know
EPS = 2.0**-23  # of float32: what a component must vary by, beside its mean, to be alive


def build(  # type: ignore[no-untyped-def]
    seed, epoch, row, copy, arrival, plan, raw, borrowed, may_add, x, scratch, lane, lanes, parts, total, largest, meet
):
    """x (3, 6000) from the recorded raw (3, 6000) by its plan; scratch (6000,) is room to work in.

    arrival: the sample of the first that is known, negative for noise. borrowed (3, 6000): the noise or the earthquake
    that the plan adds, if may_add. Where an earthquake would not be seen, or would hide the window's own, it is struck
    from the plan.
    """
    gain = np.float32(0)
    if plan[REAL_NOISE] > 0 and may_add:
        start, end, onset, signal, background, added = 0, 0, SAMPLES, 0.0, 0.0, 0.0
        if arrival >= 0:
            start = arrival
            end, onset = larger(start - HALF_WIDTH, 0), smaller(ONSET, SAMPLES - start)
        for c in range(3):
            mean = np.float32(total(part_of_sum(raw[c], lane, lanes), parts, lane, lanes) / SAMPLES)
            if total(part_of_squares(raw[c], mean, lane, lanes), parts, lane, lanes) > 0:
                part = part_of_squares(raw[c, start : start + onset], mean, lane, lanes)
                signal += total(part, parts, lane, lanes) / onset
                if end > 0:
                    first = larger(start - BEFORE, 0)
                    part = part_of_squares(raw[c, first:end], mean, lane, lanes)
                    background += total(part, parts, lane, lanes) / (end - first)
                mean = np.float32(total(part_of_sum(borrowed[c], lane, lanes), parts, lane, lanes) / SAMPLES)
                added += total(part_of_squares(borrowed[c], mean, lane, lanes), parts, lane, lanes) / SAMPLES
        gain = real_noise_gain(signal, background, added, plan[REAL_NOISE])
    for c in range(3):
        recorded, y = raw[c], x[c]
        mean = np.float32(total(part_of_sum(recorded, lane, lanes), parts, lane, lanes) / SAMPLES)
        if plan[SPEED] == 1:
            demean(recorded, mean, scratch, lane, lanes)
        else:
            start, end = int(plan[QUIET_FROM]), int(plan[QUIET_TO])
            play(recorded, mean, plan[SPEED], start, end, scratch, lane, lanes)
        meet()
        shift(scratch, int(plan[SHIFT]), y, lane, lanes)
        meet()
        if plan[SECOND_START] > 0:
            start, divisor = int(plan[SECOND_START]), np.float32(plan[SECOND_DIVISOR])
            add_second_event(scratch, int(plan[SECOND_FROM]), start, divisor, y, lane, lanes)
            meet()
    gain, rotation = gain * np.float32(plan[REAL_NOISE_SIGN]), int(plan[REAL_NOISE_START])
    if plan[OTHER_EVENT] > 0:
        rotation, squared = int(plan[OTHER_FROM]), 0.0
        if may_add:
            least, most = 0.0, ENDLESS  # of the gain's square
            for i in range(4):
                t, mine = int(plan[OWN_P + i]), i < 2
                before, after, event, rest = larger(t - SEEN, 0), smaller(t + SEEN, SAMPLES), 0.0, 0.0
                for c in range(3):
                    if total(part_of_squares(x[c], np.float32(0), lane, lanes), parts, lane, lanes) > 0:
                        mean = np.float32(total(part_of_sum(borrowed[c], lane, lanes), parts, lane, lanes) / SAMPLES)
                        start, end = (t, before) if mine else (before, t)
                        part = part_of_span(x[c], np.float32(0), 0, start, after, lane, lanes)
                        here = total(part, parts, lane, lanes)
                        part = part_of_span(borrowed[c], mean, rotation, end, after, lane, lanes)
                        there = total(part, parts, lane, lanes)
                        event += (here if mine else there) / (after - t)
                        rest += (there if mine else here) / (after - before)
                if event == 0:
                    least = ENDLESS
                elif not mine:
                    least = larger(least, HIDES * rest / event)
                elif rest > 0:
                    most = smaller(most, event / (HIDES * rest))
            if 0 < least < most < ENDLESS:
                squared = least * (most / least) ** plan[OTHER_EVENT]
        gain = np.float32(math.sqrt(squared))
        if squared == 0 and lane == 0:
            plan[OTHER_EVENT] = 0
    for c in range(3):
        y = x[c]
        if gain != 0 and total(part_of_squares(y, np.float32(0), lane, lanes), parts, lane, lanes) > 0:
            mean = np.float32(total(part_of_sum(borrowed[c], lane, lanes), parts, lane, lanes) / SAMPLES)
            add_rotated(borrowed[c], mean, rotation, gain, y, lane, lanes)
            meet()
        if plan[NOISE + c] > 0:
            most = largest(part_of_maximum(y, lane, lanes), parts, lane, lanes)
            deviation = np.float32(plan[NOISE + c]) * np.float32(most)
            add_noise(y, deviation, c, seed, row, epoch, copy, lane, lanes)
            meet()
    if plan[ANGLE] > 0:
        power = total(part_of_squares(x[0], np.float32(0), lane, lanes), parts, lane, lanes)
        other = total(part_of_squares(x[1], np.float32(0), lane, lanes), parts, lane, lanes)
        if power > 0 and other > 0:
            rotate(x[0], x[1], np.float32(math.cos(plan[ANGLE])), np.float32(math.sin(plan[ANGLE])), lane, lanes)
            meet()
    live = False
    if plan[KEEP] + plan[KEEP + 1] + plan[KEEP + 2] < 3:
        for c in range(3):
            if plan[KEEP + c] > 0:
                live = live or total(part_of_squares(x[c], 0.0, lane, lanes), parts, lane, lanes) > 0
    for c in range(3):
        y = x[c]
        if live and plan[KEEP + c] == 0:
            clear(y, 0, SAMPLES, lane, lanes)
            if plan[REAL_NOISE] == 0 or not may_add:
                continue
            meet()
            mean = np.float32(total(part_of_sum(borrowed[c], lane, lanes), parts, lane, lanes) / SAMPLES)
            add_rotated(borrowed[c], mean, rotation, np.float32(plan[REAL_NOISE_SIGN]), y, lane, lanes)
            meet()
        if plan[PRE_EMPHASIS] > 0:
            copy_to(y, scratch, lane, lanes)
            meet()
            pre_emphasise(scratch, np.float32(plan[PRE_EMPHASIS]), y, lane, lanes)
            meet()
        clear(y, int(plan[GAP_START]), int(plan[GAP_END]), lane, lanes)
        meet()
        centre = total(part_of_sum(y, lane, lanes), parts, lane, lanes) / SAMPLES
        squares = total(part_of_squares(y, centre, lane, lanes), parts, lane, lanes)
        normalise(y, centre, plan[FLIP] * scale_of(centre, squares), lane, lanes)


def label(p, s, coda_end, plan, shape, labels, lane, lanes, meet):  # type: ignore[no-untyped-def]
    """labels (3, 6000) of arrivals p and s, NaN where not picked, as the plan moves and doubles them."""
    for c in range(3):
        clear(labels[c], 0, SAMPLES, lane, lanes)
    meet()
    p, s, coda_end = p / plan[SPEED], s / plan[SPEED], coda_end / plan[SPEED]
    by, second = int(plan[SHIFT]), int(plan[SECOND_START])  # a second event has both phases
    end = smaller(math.ceil(coda_end + by), SAMPLES) if p == p or s == s else 0
    if p == p and s == s:
        label_detection(labels[0], p, s, by, second, lane, lanes)
        label_arrivals(labels[1], p, p, by, second, shape, lane, lanes)
        label_arrivals(labels[2], s, p, by, second, shape, lane, lanes)
        if plan[OTHER_EVENT] > 0:
            meet()
            label_detection(labels[0], plan[OTHER_P], plan[OTHER_S], 0, 0, lane, lanes)
            add_bump(labels[1], plan[OTHER_P], shape, lane, lanes)
            add_bump(labels[2], plan[OTHER_S], shape, lane, lanes)
    elif p == p:
        label_arrivals(labels[1], p, p, by, second, shape, lane, lanes)
        unlabel(labels[0], math.ceil(p + by), end, lane, lanes)
        unlabel(labels[2], math.ceil(p + by), end, lane, lanes)
    elif s == s:
        unlabel(labels[0], by, end, lane, lanes)
        unlabel(labels[1], by, math.ceil(s + by), lane, lanes)
        label_arrivals(labels[2], s, s, by, second, shape, lane, lanes)


@shared
def unlabel(labels, start, end, lane, lanes):  # type: ignore[no-untyped-def]
    """Nobody knows from start up to end."""
    for t in range(larger(start, 0) + lane, smaller(end, SAMPLES), lanes):
        labels[t] = UNLABELLED


@inlined
def part_of_sum(x, lane, lanes):  # type: ignore[no-untyped-def]
    """Σ x, float64 by its type: in the simulator, which is plain Python, 0.0 plus a float32 would be a float32."""
    total = np.float64(0)
    for t in range(lane, x.size, lanes):
        total += x[t]
    return total


@inlined
def part_of_squares(x, mean, lane, lanes):  # type: ignore[no-untyped-def]
    """Σ (x − mean)², float64."""
    total = np.float64(0)
    for t in range(lane, x.size, lanes):
        centred = x[t] - mean
        total += centred * centred
    return total


@inlined
def part_of_span(x, mean, rotation, start, end, lane, lanes):  # type: ignore[no-untyped-def]
    """Σ (x − mean)² from start up to end, of x rotated so that sample `rotation` comes first, float64."""
    total = np.float64(0)
    for t in range(start + lane, end, lanes):
        at = t + rotation
        centred = x[at if at < SAMPLES else at - SAMPLES] - mean
        total += centred * centred
    return total


@inlined
def part_of_maximum(x, lane, lanes):  # type: ignore[no-untyped-def]
    """max x."""
    largest = x[lane]
    for t in range(lane, x.size, lanes):
        largest = larger(largest, x[t])
    return largest


@inlined
def demean(raw, mean, y, lane, lanes):  # type: ignore[no-untyped-def]
    """y = raw − mean."""
    for t in range(lane, raw.size, lanes):
        y[t] = raw[t] - mean


@inlined
def play(raw, mean, speed, start, end, y, lane, lanes):  # type: ignore[no-untyped-def]
    """y_t = (raw − mean) at speed · t; where that is over, the samples from start up to end, back and forth."""
    for t in range(lane, SAMPLES, lanes):
        if speed <= 1:
            y[t] = spline(raw, mean, speed * t)
        else:
            u = t
            if speed * t > SAMPLES - 1:
                played = math.floor((SAMPLES - 1) / speed) + 1
                back = (t - played) % (2 * (end - start))
                u = end - 1 - back if back < end - start else 2 * start - end + back
            both = spline(raw, mean, speed * (u - 0.25)) + spline(raw, mean, speed * (u + 0.25))
            y[t] = both * HALF


@inlined
def spline(x, mean, at):  # type: ignore[no-untyped-def]
    """Catmull and Rom's cubic through x − mean, whose ends go on as they are, at the moment `at`."""
    whole = np.int64(math.floor(at))  # on a GPU the floor is a float
    f, last = np.float32(at - whole), x.size - 1
    a, b = x[smaller(larger(whole - 1, 0), last)] - mean, x[smaller(larger(whole, 0), last)] - mean
    c, d = x[smaller(larger(whole + 1, 0), last)] - mean, x[smaller(larger(whole + 2, 0), last)] - mean
    cubic = (THREE * (b - c) + (d - a)) * f + (TWO * (a - b) + THREE * (c - b) + (c - d))
    return b + HALF * f * (c - a + f * cubic)


@inlined
def shift(x, by, y, lane, lanes):  # type: ignore[no-untyped-def]
    """y = x, rotated to the right."""
    stays, goes, end, start = x[: SAMPLES - by], x[SAMPLES - by :], y[by:], y[:by]
    for t in range(lane, stays.size, lanes):
        end[t] = stays[t]
    for t in range(lane, goes.size, lanes):
        start[t] = goes[t]


@inlined
def add_second_event(x, p, start, divisor, y, lane, lanes):  # type: ignore[no-untyped-def]
    """The same event, from sample p of the played window on, again at sample `start` of y."""
    event, room = x[p : p + SAMPLES - start], y[start:]
    for t in range(lane, smaller(room.size, event.size), lanes):
        room[t] += event[t] / divisor


@inlined
def rotate(e, n, cosine, sine, lane, lanes):  # type: ignore[no-untyped-def]
    """E and N turned by an angle."""
    for t in range(lane, e.size, lanes):
        east, north = e[t], n[t]
        e[t] = cosine * east - sine * north
        n[t] = sine * east + cosine * north


@inlined
def real_noise_gain(signal, background, added, ratio):  # type: ignore[no-untyped-def]
    """What makes the background `ratio` times as strong as the earthquake alone, from three mean squares."""
    wanted, gain = ratio * ratio * larger(signal - background, 0.0) - background, np.float32(0)
    if wanted > 0 and added > 0:
        gain = np.float32(math.sqrt(wanted / added))
    return gain


@inlined
def add_rotated(other, mean, start, gain, y, lane, lanes):  # type: ignore[no-untyped-def]
    """y ← y + gain · (other − mean), rotated so that sample `start` comes first."""
    end, rest, begin, wrapped = y[: SAMPLES - start], other[start:], y[SAMPLES - start :], other[:start]
    for t in range(lane, rest.size, lanes):
        end[t] += gain * (rest[t] - mean)
    for t in range(lane, wrapped.size, lanes):
        begin[t] += gain * (wrapped[t] - mean)


@inlined
def add_noise(y, deviation, component, seed, row, epoch, copy, lane, lanes):  # type: ignore[no-untyped-def]
    """White noise by Box and Muller's transform: two pairs of neighbouring samples to a counter."""
    first = component * (SAMPLES // 4)
    for block in range(lane, SAMPLES // 4, lanes):
        u0, v0, u1, v1 = four_uniforms(seed, np.uint64(first + block), np.uint64(row), epoch, np.uint64(2 * copy + 1))
        four = 4 * block
        cosine, sine = turn(v0)
        radius = deviation * radius_of(u0)
        y[four] += radius * cosine
        y[four + 1] += radius * sine
        cosine, sine = turn(v1)
        radius = deviation * radius_of(u1)
        y[four + 2] += radius * cosine
        y[four + 3] += radius * sine


@inlined
def radius_of(u):  # type: ignore[no-untyped-def]
    """√(−2 ln(1 − u)) for u in [0, 1), in arithmetic that runs on vectors.

    1 − u = m · 2⁻ᵉ with m in (1/2, 1], and −ln m = 2 artanh s with s = (1 − m) / (1 + m) ≤ 1/3.
    """
    m, e = ONE - u, np.float32(0)
    for power, factor in POWERS:
        small = m * factor <= ONE
        e = e + power if small else e
        m = m * factor if small else m
    s = (ONE - m) / (ONE + m)
    s2 = s * s
    series = np.float32(1 / 9) + s2 * (np.float32(1 / 11) + s2 * np.float32(1 / 13))
    series = np.float32(1 / 3) + s2 * (np.float32(1 / 5) + s2 * (np.float32(1 / 7) + s2 * series))
    return np.float32(math.sqrt(TWO * (e * LN2 + TWO * s * (ONE + s2 * series))))


@inlined
def turn(v):  # type: ignore[no-untyped-def]
    """(cos 2πv, sin 2πv) for v in [0, 1): the nearest quarter turn, and Taylor's series for the eighth that is left."""
    quarter = np.float32(math.floor(np.float32(4) * v + np.float32(0.5)))
    a = TURN * (v - np.float32(0.25) * quarter)
    a2 = a * a
    c = ONE + a2 * (np.float32(-1 / 2) + a2 * (np.float32(1 / 24) + a2 * (np.float32(-1 / 720) + a2 * LAST_COSINE)))
    s = a + a * a2 * (np.float32(-1 / 6) + a2 * (np.float32(1 / 120) + a2 * (np.float32(-1 / 5040) + a2 * LAST_SINE)))
    odd = quarter == ONE or quarter == np.float32(3)
    cosine, sine = (s, c) if odd else (c, s)
    cosine = -cosine if quarter == ONE or quarter == TWO else cosine
    sine = -sine if quarter == TWO or quarter == np.float32(3) else sine
    return cosine, sine


@inlined
def copy_to(x, y, lane, lanes):  # type: ignore[no-untyped-def]
    for t in range(lane, x.size, lanes):
        y[t] = x[t]


@inlined
def pre_emphasise(x, coefficient, y, lane, lanes):  # type: ignore[no-untyped-def]
    """y_t = x_t − coefficient · x_{t−1} from t = 1 on."""
    now, before, after = x[1:], x[: SAMPLES - 1], y[1:]
    for t in range(lane, after.size, lanes):
        after[t] = now[t] - coefficient * before[t]


@inlined
def clear(y, start, end, lane, lanes):  # type: ignore[no-untyped-def]
    """Zeros from start up to end."""
    part = y[start:end]
    for t in range(lane, part.size, lanes):
        part[t] = 0


@inlined
def scale_of(mean, squares):  # type: ignore[no-untyped-def]
    """1 / deviation, or 0 for a dead component."""
    deviation = math.sqrt(squares / SAMPLES)
    scale = 0.0
    if deviation > EPS * abs(mean):
        scale = 1 / deviation
    return scale


@inlined
def normalise(y, mean, scale, lane, lanes):  # type: ignore[no-untyped-def]
    """y ← (y − mean) · scale."""
    for t in range(lane, y.size, lanes):
        y[t] = np.float32((y[t] - mean) * scale)


@shared
def label_arrivals(labels, arrival, p, by, second, shape, lane, lanes):  # type: ignore[no-untyped-def]
    """A bump for the arrival of the event with this p, and one for the second event's, clipped to 1."""
    first = arrival + by
    other = first + (second - math.floor(p + by))
    label_bump(labels, first, other, second, shape, lane, lanes)
    if second > 0:
        label_bump(labels, other, first, second, shape, lane, lanes)


@shared
def label_bump(labels, arrival, other, second, shape, lane, lanes):  # type: ignore[no-untyped-def]
    """An arrival's bump with what the other's adds to it: no sample needs more than one thread, nor an order."""
    start, end = larger(math.ceil(arrival - HALF_WIDTH), 0), smaller(math.floor(arrival + HALF_WIDTH) + 1, SAMPLES)
    for t in range(start + lane, end, lanes):
        value = bump(t - arrival, shape)
        if second > 0 and math.ceil(other - HALF_WIDTH) <= t <= math.floor(other + HALF_WIDTH):
            value += bump(t - other, shape)
        labels[t] = smaller(value, 1.0)


@shared
def add_bump(labels, arrival, shape, lane, lanes):  # type: ignore[no-untyped-def]
    """The bump of another earthquake's arrival, on top of what is there, clipped to 1."""
    start, end = larger(math.ceil(arrival - HALF_WIDTH), 0), smaller(math.floor(arrival + HALF_WIDTH) + 1, SAMPLES)
    for t in range(start + lane, end, lanes):
        labels[t] = smaller(labels[t] + bump(t - arrival, shape), 1.0)


@shared
def bump(distance, shape):  # type: ignore[no-untyped-def]
    """A label's height at some samples from the arrival."""
    height = 1.0
    if shape == GAUSSIAN:
        height = math.exp(-(distance * distance) / (2 * DEVIATION * DEVIATION))
    elif shape == TRIANGLE:
        height = 1 - abs(distance) / HALF_WIDTH
    return height


@shared
def label_detection(labels, p, s, by, second, lane, lanes):  # type: ignore[no-untyped-def]
    """1 from P to S + 0.4 (S − P), for the event and for the second."""
    p, s = p + by, s + by
    for _ in range(2 if second > 0 else 1):
        start, end = larger(math.ceil(p), 0), smaller(math.ceil(s + 2 * (s - p) / 5), SAMPLES)
        for t in range(start + lane, end, lanes):
            labels[t] = 1
        further = second - math.floor(p)
        p, s = p + further, s + further
