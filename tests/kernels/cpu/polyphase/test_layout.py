"""Polyphase components: every sample has a place of its own, zeros lie between, and kernels are transformed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.cpu.polyphase.fold import fold
from kernels.cpu.polyphase.layout import bounds, clear_absent, from_components, place, plan_of, to_components
from kernels.cpu.polyphase.weights import back_packed_of, pack_all_backward, packed_of, weights_of
from kernels.cpu.polyphase.winograd import METHODS
from kernels.cpu.simd.tile import ROWS

stages = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 13), st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1)])),
    min_size=1,
    max_size=5,
)


def decoder_plan(C, sizes, T):
    """The plan of a decoder of these (filters, taps, crop), and the shapes of its weights."""
    shapes = []
    for O, K, _ in sizes:
        shapes.append((O, C, K))
        C = O
    return plan_of(tuple(shapes), tuple(crop for *_, crop in sizes), T), shapes


@settings(deadline=None)  # kernels are read from disk when they are first called
@given(st.integers(1, 5), stages, st.integers(5, 60))
def test_every_sample_has_its_place(C, sizes, T):
    plan, _ = decoder_plan(C, sizes, T)
    taken = np.zeros(plan.numbers, int)
    length = T
    for s, stage in enumerate(plan.stages):
        begin, end = bounds(stage, T)
        assert end - begin == length
        at = [stage.x_at + place(t, stage, plan.width) for t in range(T << stage.level)]
        for c in range(stage.channels):
            taken[np.array(at) + c * plan.width] += 1
        if s < len(sizes):
            length = 2 * length - sum(sizes[s][2])
    assert taken.max() == 1


@settings(deadline=None)  # kernels are read from disk when they are first called
@given(st.integers(1, 5), stages, st.integers(5, 60))
def test_there_and_back(C, sizes, T):
    plan, _ = decoder_plan(C, sizes, T)
    stage, values = plan.stages[-1], np.full(plan.numbers, -1, np.float32)
    begin, end = bounds(stage, T)
    y = np.arange(1.0, 1 + stage.channels * (end - begin), dtype=np.float32).reshape(stage.channels, -1)
    to_components(y, stage, T, plan.width, values)
    clear_absent(values, stage, T, plan.width)
    found = np.zeros_like(y)
    from_components(values, stage, T, plan.width, found)
    assert np.array_equal(found, y)
    assert values[values != -1].sum(dtype=np.float64) == y.sum(dtype=np.float64)  # zeros everywhere else


@settings(deadline=None)  # kernels are read from disk when they are first called
@given(st.integers(1, 6), stages)
def test_transformed_kernels(C, sizes):
    plan, shapes = decoder_plan(C, sizes, 47)
    rng = np.random.default_rng(len(sizes))
    Ws = tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes)
    weights = weights_of(tuple(crop for *_, crop in sizes), Ws, tuple(W[:, 0, 0] for W in Ws))
    turned = np.empty(plan.stages[-1].back_packed_at, np.float32)
    pack_all_backward(plan.stages, weights.packed, turned)
    for stage, W in zip(plan.stages, Ws, strict=False):
        O, C, _ = W.shape
        taps, parts, half, G = stage.taps, stage.parts, stage.half, METHODS[stage.method].kernel
        right = np.zeros((2, half, stage.nodes, parts, C))
        for o in range(O):
            pair = np.empty((2, C, taps * parts))
            fold(W[o].astype(float), stage.begin, stage.lag, pair[0], pair[1])
            right[:, o] = np.einsum("nk,ecpk->enpc", G, pair.reshape(2, C, parts, taps))
        right = right.reshape(2 * half // ROWS, ROWS, stage.nodes, parts * C).transpose(0, 2, 3, 1)
        np.testing.assert_allclose(packed_of(stage, weights.packed), right, rtol=1e-4, atol=1e-5)
        back, forward = back_packed_of(stage, turned), packed_of(stage, weights.packed)
        for part in range(parts):
            for c in range(C):
                own = forward[:, :, part * C + c].transpose(1, 0, 2).reshape(stage.nodes, -1)
                assert np.array_equal(back[part, c // ROWS, :, :, c % ROWS], own)
