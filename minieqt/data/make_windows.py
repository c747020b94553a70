"""From recorded traces to what the network learns from: augmented, normalised, labelled.

One call makes many windows. In the readable mode they are made one after the other as `draw`, `augment` and `labels`
define it; in the fast mode by the kernels of kernels/augment, which take the same decisions from the same counters.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
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


@dataclass(frozen=True)
class Wanted:
    """N windows to be made: window n from the trace raw[source[n]] of M raw traces, in row rows[n] of their table.

    partners: the trace raw[partners[0, n]], in row partners[1, n] of the table, is the real noise or the other
    earthquake that the augmentation may add; none where it is NOBODY, or without partners.
    """

    rows: Array  # (N,)
    copies: Array  # (N,) PLAIN or AUGMENTED
    source: Array  # (N,)
    epoch: int | Array = 0  # which time they are made: one number for all windows, or one for each (N,)
    partners: Array | None = None  # (2, N)

    @property
    def paired(self) -> Array:
        """partners (2, N), also where there are none."""
        return np.full((2, len(self.rows)), NOBODY) if self.partners is None else self.partners


@dataclass(frozen=True)
class Making:
    """How windows are made. UserError for an unknown label shape."""

    augmentation: Augmentation | None = None
    seed: int = 0
    label_shape: str = "gaussian"
    normalisation: str = "component"

    def __post_init__(self) -> None:
        check_shape(self.label_shape)


def make_windows(raw: Array, table: TraceTable, wanted: Wanted, making: Making, x: Array, labels: Array) -> None:
    """Fills x (N, 3, 6000) and labels (N, 3, 6000) float32 of the wanted windows, from traces raw (M, 3, 6000) float32.

    The kernels normalise by component; for another normalisation the readable code makes the windows.
    """
    if backend.mode() == "readable" or raw.dtype != np.float32 or making.normalisation != "component":
        _make_readable(raw, table, wanted, making, x, labels)
    else:
        facts = facts_of(table, wanted, making.augmentation)
        make_from_facts(facts, rates_of(making.augmentation), raw, x, labels, making.seed, making.label_shape)


def _make_readable(raw: Array, table: TraceTable, wanted: Wanted, making: Making, x: Array, labels: Array) -> None:
    rows, copies, partners = wanted.rows, wanted.copies, wanted.paired
    epochs = np.broadcast_to(wanted.epoch, rows.shape).tolist()
    for n, (row, copy, epoch) in enumerate(zip(rows.tolist(), copies.tolist(), epochs, strict=True)):
        plan, white = Plan(), None
        p, s, coda_end = table.p_sample[row], table.s_sample[row], table.coda_end[row]
        second = table.second_p[row], table.second_s[row]
        if making.augmentation is not None:
            u = window_uniforms(making.seed, epoch, rows[n : n + 1], copy)[0]
            snr_db, other = table.snr_db[row], None
            if (partner := partners[1, n]) != NOBODY and table.earthquake[partner]:
                other = table.p_sample[partner], table.s_sample[partner], table.coda_end[partner]
            drawn = float(drawn_s(p, s, *second))
            plan = draw_plan(u, p, drawn, coda_end, snr_db, making.augmentation, copy, other)
        if any(plan.noise):
            white = noise_samples(making.seed, epoch, row, copy)
        borrowed = raw[partners[0, n]] if partners[0, n] != NOBODY else None
        arrivals = np.array([[p, s], second]) if table.earthquake[row] else np.empty((0, 2))
        x[n], arrivals = augment_window(raw[wanted.source[n]], arrivals, plan, white, borrowed, making.normalisation)
        unknown = plan.shift, coda_end / plan.speed + plan.shift
        labels[n] = make_labels(arrivals[:, 0], arrivals[:, 1], making.label_shape, unknown)


def facts_of(table: TraceTable, wanted: Wanted, augmentation: Augmentation | None) -> Array:
    """What the kernels need about the wanted windows besides the traces: (13, N) int64; the last six hold float64.

    These are P, S and the coda's end of the window and of its partner. (15, N) of a table in which some window holds a
    second earthquake: its arrivals come last. One array, so that it goes over to a GPU in one piece.
    """
    rows, partners = wanted.rows, wanted.paired
    columns = [table.p_sample, table.s_sample, table.coda_end]
    known = [column[rows] for column in columns]
    known += [np.where(partners[1] == NOBODY, np.nan, column[partners[1]]) for column in columns]
    if table.any_two:
        known += [table.second_p[rows], table.second_s[rows]]
    facts = np.empty((7 + len(known), len(rows)), np.int64)
    copies = wanted.copies if augmentation else PLAIN
    facts[0], facts[1], facts[2], facts[3] = wanted.epoch, rows, copies, wanted.source
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
