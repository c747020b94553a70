"""The fast windows against their definition: the same decisions, the same windows but for rounding."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.augment import cpu
from kernels.augment.draw import COLUMNS
from minieqt.backend import using
from minieqt.data.augmentation import Augmentation
from minieqt.data.draw import draw_plan, window_uniforms
from minieqt.data.labels import SHAPES
from minieqt.data.make_windows import Making, Wanted, make_windows
from minieqt.data.partners import NOBODY
from minieqt.data.table import TEXT, TraceTable
from minieqt.errors import UserError

EVERYTHING = Augmentation(0.9, 0.8, 0.5, 0.5, 0.3, 0.5, 0.5, 0.97, 0.8, 0.7, 0.7, 0.5)
SOME = st.sampled_from([0, 0.5, 1])
rates = st.builds(Augmentation, *[SOME] * 7, st.sampled_from([0, 0.97]), *[SOME] * 4)
rates = st.builds(lambda one, part: replace(one, other_event=part * (1 - one.real_noise)), rates, SOME)


def table_of(rng, count, quarters=True):
    """Earthquakes anywhere in the window, every fifth row noise, and every fifth of the rest with P or S alone; every
    seventh row with a second earthquake, of P or S alone too."""
    p = np.round(4 * rng.uniform(0, 4000, count)) / 4 if quarters else rng.uniform(0, 4000, count)
    s = p + rng.uniform(1, 1900, count).round(2)
    coda = np.minimum(s + rng.uniform(0, 2000, count), 6000)
    earthquake = np.arange(count) % 5 > 0
    second_p = np.minimum(s + rng.uniform(0, 1000, count), 5800)
    second_s = np.minimum(second_p + rng.uniform(1, 1000, count), 5990)
    s[np.arange(count) % 10 == 2], p[np.arange(count) % 10 == 8] = np.nan, np.nan
    second_s[np.arange(count) % 3 == 1], second_p[np.arange(count) % 3 == 2] = np.nan, np.nan
    for values in (second_p, second_s):
        values[np.arange(count) % 7 > 0] = np.nan
    coda = np.fmax(coda, np.fmin(np.fmax(second_p, second_s) + rng.uniform(0, 500, count), 6000))
    for values in (p, s, coda, second_p, second_s):
        values[~earthquake] = np.nan
    text, number = np.full(count, "", TEXT), np.full(count, np.nan)
    snr = rng.uniform(5, 60, (count, 3))
    return TraceTable(text, earthquake, p, s, coda, snr, text, text, number, number, text, second_p, second_s)


def both(raw, table, wanted, making):
    results = []
    for mode in ("fast", "readable"):
        x, labels = np.full((2, len(wanted.rows), 3, 6000), np.nan, np.float32)
        with using(mode):
            make_windows(raw, table, wanted, making, x, labels)
        results.append((x, labels))
    return results


def windows_of(table, raw, augmentation, epoch=0, **options):
    """Every trace twice; the partner of trace n is trace n + 1, but for every third, which has none."""
    rows = np.repeat(np.arange(len(table)), 2)
    copies = np.tile([0, 1], len(table))
    partners = np.tile(np.where(rows % 3 == 1, NOBODY, (rows + 1) % len(table)), (2, 1))
    return both(raw, table, Wanted(rows, copies, rows, epoch, partners), Making(augmentation, **options))


def plans_of(table, seed, epoch, augmentation):
    """The kernel's plans and the definition's, as rows of numbers, of the augmented copies."""
    rows, copies = np.arange(len(table)), np.ones(len(table), int)
    loud = (table.snr_db >= 10).all(axis=1)
    fast, others = np.empty((len(table), COLUMNS)), np.roll(rows, -1)
    known = (table.p_sample, table.s_sample, table.coda_end)
    cpu.draw_plans(
        np.uint64(seed),
        np.full(len(table), epoch),
        rows,
        copies,
        table.p_sample,
        table.s_sample,
        table.coda_end,
        *(np.where(table.earthquake[others], column[others], np.nan) for column in known),
        loud,
        np.array(astuple(augmentation), float),
        fast,
    )
    plans = []
    for row, u in enumerate(window_uniforms(seed, epoch, rows, 1)):
        facts = table.p_sample[row], table.s_sample[row], table.coda_end[row], table.snr_db[row]
        other = tuple(column[others[row]] for column in known) if table.earthquake[others[row]] else None
        plan = draw_plan(u, *facts, augmentation, 1, other)
        plans.append(np.hstack(astuple(plan)).astype(float))
    return fast, np.array(plans)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 1000), rates, st.booleans())
def test_every_decision_is_the_same(seed, epoch, augmentation, quarters):
    table = table_of(np.random.default_rng(seed), 200, quarters)
    fast, plans = plans_of(table, seed, epoch, augmentation)
    whole = [0, 1, 2, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 21, 23]  # all but levels and angles: exactly
    np.testing.assert_array_equal(fast[:, whole], plans[:, whole])
    np.testing.assert_allclose(fast, plans, rtol=1e-15)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), rates, st.sampled_from(list(SHAPES)))
def test_windows_and_labels_are_the_same(seed, augmentation, shape):
    rng = np.random.default_rng(seed)
    table = table_of(rng, 12)
    scale = np.float32(10) ** rng.integers(-6, 6, (12, 3, 1)).astype(np.float32)
    raw = (rng.standard_normal((12, 3, 6000)).astype(np.float32) + np.float32(3)) * scale
    raw[1, 0] = raw[2, 1:] = 7  # dead components
    raw[3] = 0
    (x, labels), (x_defined, labels_defined) = windows_of(
        table, raw, augmentation, seed=seed, epoch=3, label_shape=shape
    )
    np.testing.assert_allclose(x, x_defined, atol=2e-5)
    np.testing.assert_allclose(labels, labels_defined, atol=1e-6)
    assert x.dtype == labels.dtype == np.float32


def test_another_earthquake_is_added_and_labelled_alike(rng):
    """Bursts that last half a second, where the table has P and S."""
    table = table_of(rng, 200)
    raw = rng.standard_normal((200, 3, 6000)).astype(np.float32)
    for window, *arrivals in zip(raw, table.p_sample, table.s_sample, strict=True):
        for arrival in arrivals:
            if arrival == arrival:
                window[:, int(arrival) : int(arrival) + 50] *= 100
    table = replace(table, snr_db=np.full((200, 3), 20.0))
    alone = replace(EVERYTHING, real_noise=0.1, second_event=0)
    (x, labels), defined = windows_of(table, raw, replace(alone, other_event=0.9), epoch=2)
    np.testing.assert_allclose(x, defined[0], atol=2e-5)
    np.testing.assert_allclose(labels, defined[1], atol=1e-6)
    added = labels[:, 1].sum(axis=1) - windows_of(table, raw, alone, epoch=2)[0][1][:, 1].sum(axis=1)
    assert 10 < np.count_nonzero(added > 10) < 60  # and not where one would have hidden the other


def test_without_augmentation_nothing_happens(rng):
    table = table_of(rng, 10)
    raw = rng.standard_normal((10, 3, 6000)).astype(np.float32)
    rows = np.arange(10)
    (x, labels), defined = both(raw, table, Wanted(rows, np.zeros(10, int), rows), Making())
    np.testing.assert_allclose(x, defined[0], atol=1e-5)
    np.testing.assert_allclose(labels, defined[1], atol=1e-6)
    np.testing.assert_allclose(x.std(axis=-1), 1, atol=1e-5)


def test_a_second_earthquake_is_labelled_wherever_it_goes(rng):
    """Each P is a spike in the record, and has its label; no gap touches either, and no third earthquake is added."""
    values = {"p_sample": 1000, "s_sample": 1400, "coda_end": 4000, "second_p": 3000, "second_s": 3500}
    columns = {name: np.full(20, float(value)) for name, value in values.items()}
    table = replace(table_of(rng, 20), earthquake=np.ones(20, bool), **columns)
    raw = np.zeros((20, 3, 6000), np.float32)
    raw[:, :, [1000, 3000]] = 1
    for x, labels in windows_of(table, raw, Augmentation(shift=1, second_event=1, earthquake_gap=1, noise=0)):
        for window, (detection, p, s) in zip(x, labels, strict=True):
            spikes = np.flatnonzero((window > 1).any(axis=0))
            assert len(spikes) == 2 and spikes[1] - spikes[0] == 2000
            np.testing.assert_array_equal(np.flatnonzero(p == 1), spikes)
            np.testing.assert_array_equal(np.flatnonzero(s == 1), spikes + [400, 500])
            np.testing.assert_array_equal(np.flatnonzero(np.diff(detection) > 0) + 1, spikes)


def test_a_large_offset_leaves_no_trace(rng):
    table = table_of(rng, 20)
    raw = rng.standard_normal((20, 3, 6000)).astype(np.float32) * 100 + np.float32(1e6)
    (x, _), (defined, _) = windows_of(table, raw, replace(EVERYTHING, gap=1))
    np.testing.assert_allclose(x, defined, atol=2e-3)  # a count of 1e6 has steps of a sixteenth


def test_an_unknown_shape():
    with pytest.raises(UserError, match="unknown label shape 'round'"):
        Making(label_shape="round")
