"""Phases: every sample has a place of its own, zeros lie between, and the weights are at the nodes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.cpu.polyphase.fold import fold
from kernels.cpu.polyphase.layout import (
    BEGIN,
    CHANNELS,
    HALF,
    LAG,
    LEVEL,
    METHOD,
    NODES,
    PARTS,
    ROWS_AT,
    TAPS,
    bounds,
    clear_absent,
    copy_phases_in,
    copy_phases_out,
    phases_of,
    place,
)
from kernels.cpu.polyphase.weights import back_packed_of, pack_all_backward, packed_of, weights_of
from kernels.cpu.polyphase.winograd import METHODS
from kernels.cpu.simd.tile import ROWS

stages = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 13), st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1)])),
    min_size=1,
    max_size=5,
)


def plan(C, sizes, T):
    """The plan of a decoder of these (filters, taps, crop), and the shapes of its weights."""
    shapes = []
    for O, K, _ in sizes:
        shapes.append((O, C, K))
        C = O
    return phases_of(tuple(shapes), tuple(crop for *_, crop in sizes), T), shapes


@settings(deadline=None)  # kernels are read from disk when they are first called
@given(st.integers(1, 5), stages, st.integers(5, 60))
def test_every_sample_has_its_place(C, sizes, T):
    phases, _ = plan(C, sizes, T)
    taken = np.zeros(phases.numbers, int)
    length = T
    for s, rows in enumerate(phases.table):
        begin, end = bounds(rows, T)
        assert end - begin == length
        at = [rows[ROWS_AT] + place(t, rows, phases.width) for t in range(T << rows[LEVEL])]
        for c in range(rows[CHANNELS]):
            taken[np.array(at) + c * phases.width] += 1
        if s < len(sizes):
            length = 2 * length - sum(sizes[s][2])
    assert taken.max() == 1


@settings(deadline=None)  # kernels are read from disk when they are first called
@given(st.integers(1, 5), stages, st.integers(5, 60))
def test_there_and_back(C, sizes, T):
    phases, _ = plan(C, sizes, T)
    rows, values = phases.table[-1], np.full(phases.numbers, -1, np.float32)
    begin, end = bounds(rows, T)
    y = np.arange(1.0, 1 + rows[CHANNELS] * (end - begin), dtype=np.float32).reshape(rows[CHANNELS], -1)
    copy_phases_in(y, rows, T, phases.width, values)
    clear_absent(values, rows, T, phases.width)
    found = np.zeros_like(y)
    copy_phases_out(values, rows, T, phases.width, found)
    assert np.array_equal(found, y)
    assert values[values != -1].sum(dtype=np.float64) == y.sum(dtype=np.float64)  # zeros everywhere else


@settings(deadline=None)  # kernels are read from disk when they are first called
@given(st.integers(1, 6), stages)
def test_weights_at_the_nodes(C, sizes):
    phases, shapes = plan(C, sizes, 47)
    rng = np.random.default_rng(len(sizes))
    Ws = tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes)
    weights = weights_of(tuple(crop for *_, crop in sizes), Ws)
    turned = np.empty(phases.back_packed, np.float32)
    pack_all_backward(phases.table, weights.packed, turned)
    for stage, W in zip(phases.table, Ws, strict=False):
        O, C, _ = W.shape
        taps, parts, half, G = stage[TAPS], stage[PARTS], stage[HALF], METHODS[stage[METHOD]].weights
        right = np.zeros((2, half, stage[NODES], parts, C))
        for o in range(O):
            pair = np.empty((2, C, taps * parts))
            fold(W[o].astype(float), stage[BEGIN], stage[LAG], pair[0], pair[1])
            right[:, o] = np.einsum("nk,ecpk->enpc", G, pair.reshape(2, C, parts, taps))
        right = right.reshape(2 * half // ROWS, ROWS, stage[NODES], parts * C).transpose(0, 2, 3, 1)
        np.testing.assert_allclose(packed_of(stage, weights.packed), right, rtol=1e-4, atol=1e-5)
        back, forward = back_packed_of(stage, turned), packed_of(stage, weights.packed)
        for part in range(parts):
            for c in range(C):
                own = forward[:, :, part * C + c].transpose(1, 0, 2).reshape(stage[NODES], -1)
                assert np.array_equal(back[part, c // ROWS, :, :, c % ROWS], own)
