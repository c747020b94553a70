"""From recorded traces to what the network learns from: augmented, normalised, labelled.

One call makes many windows. In the readable mode they are made one after the other as `draw`, `augment` and `labels`
define it; in the fast mode by the kernels of kernels/augment, which take the same decisions from the same counters.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np

from minieqt import backend
from minieqt.data.augment import augment_window
from minieqt.data.augmentation import PLAIN, Augmentation
from minieqt.data.draw import LOUD, Plan, draw_plan, noise_samples, window_uniforms
from minieqt.data.labels import SHAPES, check_shape, join_labels, make_labels
from minieqt.data.partners import NOBODY
from minieqt.data.table import TraceTable
from minieqt.kernels import kernel_module

Array = Any


def make_windows(
    raw: Array,
    table: TraceTable,
    rows: Array,
    copies: Array,
    source: Array,
    x: Array,
    labels: Array,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    epoch: int | Array = 0,
    label_shape: str = "gaussian",
    partners: Array | None = None,
    normalisation: str = "component",
) -> None:
    """Fills x (N, 3, 6000) and labels (N, 3, 6000) float32 of N windows.

    Window n is made from the trace raw[source[n]], raw (M, 3, 6000) float32, which stands in row rows[n] of the table;
    copies (N,) says which copy it is, PLAIN or AUGMENTED; epoch which time it is made, one number for all windows or
    one for each (N,). partners (2, N): the trace raw[partners[0, n]], in row partners[1, n] of the table, is the real
    noise or the other earthquake that the augmentation may add; none where it is NOBODY, or without partners. The
    kernels normalise by component; for another normalisation the readable code makes the windows. UserError for an
    unknown label shape.
    """
    check_shape(label_shape)
    partners = np.full((2, len(rows)), NOBODY) if partners is None else partners
    if backend.mode() == "readable" or raw.dtype != np.float32 or normalisation != "component":
        options = augmentation, seed, epoch, label_shape, normalisation
        _make_readable(raw, table, rows, copies, source, partners, x, labels, *options)
    else:
        facts = facts_of(table, rows, copies, source, partners, augmentation, epoch)
        make_from_facts(facts, rates_of(augmentation), raw, x, labels, seed, label_shape)


def _make_readable(
    raw: Array,
    table: TraceTable,
    rows: Array,
    copies: Array,
    source: Array,
    partners: Array,
    x: Array,
    labels: Array,
    augmentation: Augmentation | None,
    seed: int,
    epochs: int | Array,
    label_shape: str,
    normalisation: str,
) -> None:
    each = np.broadcast_to(epochs, rows.shape).tolist()
    for n, (row, copy, epoch) in enumerate(zip(rows.tolist(), copies.tolist(), each, strict=True)):
        plan, white = Plan(), None
        p, s, coda_end = table.p_sample[row], table.s_sample[row], table.coda_end[row]
        second = table.second_p[row], table.second_s[row]
        if augmentation is not None:
            u = window_uniforms(seed, epoch, rows[n : n + 1], copy)[0]
            snr_db, other = table.snr_db[row], None
            if (partner := partners[1, n]) != NOBODY and table.earthquake[partner]:
                other = table.p_sample[partner], table.s_sample[partner], table.coda_end[partner]
            plan = draw_plan(u, p, float(drawn_s(p, s, *second)), coda_end, snr_db, augmentation, copy, other)
        if any(plan.noise):
            white = noise_samples(seed, epoch, row, copy)
        borrowed = raw[partners[0, n]] if partners[0, n] != NOBODY else None
        arrivals = np.array([[p, s], second]) if table.earthquake[row] else np.empty((0, 2))
        x[n], arrivals = augment_window(raw[source[n]], arrivals, plan, white, borrowed, normalisation)
        unknown = plan.shift, coda_end / plan.speed + plan.shift
        labels[n] = make_labels(arrivals[:, 0], arrivals[:, 1], label_shape, unknown)


def facts_of(
    table: TraceTable,
    rows: Array,
    copies: Array,
    source: Array,
    partners: Array,
    augmentation: Augmentation | None,
    epoch: int | Array,
) -> Array:
    """All that the kernels need about N windows besides the traces: (13, N) int64, whose last six rows hold float64.

    These are P, S and the coda's end of the window and of its partner. (15, N) of a table in which some window holds a
    second earthquake: its arrivals come last. One array, so that it goes over to a GPU in one piece.
    """
    columns = [table.p_sample, table.s_sample, table.coda_end]
    known = [column[rows] for column in columns]
    known += [np.where(partners[1] == NOBODY, np.nan, column[partners[1]]) for column in columns]
    if table.any_two:
        known += [table.second_p[rows], table.second_s[rows]]
    facts = np.empty((7 + len(known), len(rows)), np.int64)
    facts[0], facts[1], facts[2], facts[3] = epoch, rows, copies if augmentation else PLAIN, source
    facts[4] = (table.snr_db[rows] >= LOUD).all(axis=1)
    first = np.fmin(table.p_sample[rows], table.s_sample[rows])
    facts[5], facts[6] = partners[0], np.where(np.isnan(first), -1, first)
    for fact, values in zip(facts[7:], known, strict=True):
        fact.view(np.float64)[...] = values
    return facts


def rates_of(augmentation: Augmentation | None) -> Array:
    """The rates as the kernels take them (13,). Without augmentation all are zero and copies plain: nothing happens."""
    return np.array(astuple(augmentation or NOTHING), np.float64)


def make_from_facts(
    facts: Array, rates: Array, raw: Array, x: Array, labels: Array, seed: int, label_shape: str, xp: Any = np
) -> None:
    """Fills x and labels (N, 3, 6000) by the kernels of xp's machine, on which all the arrays are."""
    machine = kernel_module("augment.cpu" if xp is np else "augment.cuda")
    epochs, rows, copies, source, loud, partner, arrival = (facts[i] for i in range(7))
    p, s, coda_end, q, r, other_end, *second = (facts[i].view(np.float64) for i in range(7, len(facts)))
    plans, counter = xp.empty((len(rows), kernel_module("augment.draw").COLUMNS), np.float64), (np.uint64(seed), epochs)
    drawn = drawn_s(p, s, second[0], second[1], xp) if second else s
    machine.draw_plans(*counter, rows, copies, p, drawn, coda_end, q, r, other_end, loud, rates, plans)
    machine.make_windows(*counter, rows, copies, arrival, plans, raw, source, partner, x)
    shape = list(SHAPES).index(label_shape)
    machine.make_labels(p, s, coda_end, plans, shape, labels)
    if second:
        others = xp.empty_like(labels)
        machine.make_labels(*second, coda_end, plans, shape, others)
        labels[...] = join_labels(labels, others)


def drawn_s(p: Array, s: Array, second_p: Array, second_s: Array, xp: Any = np) -> Array:
    """S as a plan is drawn by it: that of a window with two earthquakes, whose P is known, counts as not known.

    So augmentation adds no third earthquake, and cuts nothing from P to the coda's end.
    """
    two = ~xp.isnan(second_p) | ~xp.isnan(second_s)
    return xp.where(two & ~xp.isnan(p), xp.nan, s)


NOTHING = Augmentation(shift=0, second_event=0, noise=0, drop_channels=0, gap=0)
