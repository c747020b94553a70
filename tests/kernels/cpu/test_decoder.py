"""The decoder on polyphase components: any stages and crops of at most a sample as the definition has them, bit for bit
the same in whatever order its windows are done, and it says when it cannot do what is asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import get_num_threads, set_num_threads

from kernels.cpu.decoder import decoder_backward, decoder_forward
from minieqt import backend
from minieqt.blocks import decoder
from minieqt.blocks.decoder import CROPS, FILTERS, HEAD_KERNEL, KERNELS, Decoder, decoder_crops

NETWORK = [*zip(FILTERS[::-1], KERNELS[::-1], strict=True), (1, HEAD_KERNEL)]


def weights_for(rng, C, sizes):
    """W and b of stages of these (filters, taps), float64."""
    Ws, bs = [], []
    for O, K in sizes:
        Ws.append(rng.normal(size=(O, C, K)) / np.sqrt(C * K))
        bs.append(rng.normal(size=O) / 4)
        C = O
    return tuple(Ws), tuple(bs)


def assert_like_the_definition(rng, x, Ws, bs, crops):
    right, cache = decoder.decoder_forward.definition(x, Ws, bs, crops)
    dy = rng.normal(size=right.shape)
    wanted = decoder.decoder_backward.definition(dy, cache)
    single = lambda arrays: tuple(array.astype(np.float32) for array in arrays)  # noqa: E731
    y, kept = decoder_forward(x.astype(np.float32), single(Ws), single(bs), crops)
    dx, dWs, dbs = decoder_backward(dy.astype(np.float32), kept)
    floor = np.linalg.norm(dy) / 100  # what a sum of its numbers may round to, even if it comes out as nothing
    for found, exact in zip((y, dx, *dWs, *dbs), (right, wanted[0], *wanted[1], *wanted[2]), strict=True):
        assert found.shape == exact.shape and found.dtype == np.float32
        assert np.linalg.norm(found - exact) <= 1e-5 * max(np.linalg.norm(exact), floor)


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("batch", [1, 3, 16])
def test_the_published_networks(rng, crop, batch):
    Ws, bs = weights_for(rng, 16, NETWORK)
    assert_like_the_definition(rng, rng.normal(size=(batch, 16, 47)), Ws, bs, tuple(decoder_crops(6000, crop)))


@settings(deadline=None, derandomize=True)  # where a ReLU's argument is 0 but for rounding, its way is anybody's guess
@given(
    st.integers(1, 3),
    st.integers(1, 9),
    st.integers(8, 60),
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(1, 12), st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1)])),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 12),
    st.integers(0, 99),
)
def test_stages_of_every_shape(batch, C, T, stages, head, seed):
    rng = np.random.default_rng(seed)
    Ws, bs = weights_for(rng, C, [stage[:2] for stage in stages] + [(1, head)])
    assert_like_the_definition(rng, rng.normal(size=(batch, C, T)), Ws, bs, tuple(stage[2] for stage in stages))


@pytest.mark.parametrize("keep", [True, False])
def test_windows_alone_or_together(rng, keep):
    Ws, bs = (tuple(array.astype(np.float32) for array in arrays) for arrays in weights_for(rng, 16, NETWORK))
    crops, x = tuple(decoder_crops(6000)), rng.standard_normal((32, 16, 47), np.float32)
    run = lambda x, keep: decoder_forward(x, Ws, bs, crops, keep)[0]  # noqa: E731
    together, threads = run(x, True), get_num_threads()
    for number in {1, threads}:
        set_num_threads(number)
        for windows in (slice(0, 1), slice(2, 5), slice(7, 12), slice(0, 32)):
            assert np.array_equal(run(x[windows], keep), together[windows])


def test_no_window_at_all(rng):
    """A rank whose share of a batch is empty."""
    Ws, bs = (tuple(array.astype(np.float32) for array in arrays) for arrays in weights_for(rng, 3, [(5, 7), (1, 3)]))
    y, kept = decoder_forward(np.empty((0, 3, 47), np.float32), Ws, bs, ((0, 0),))
    dx, dWs, dbs = decoder_backward(y, kept)
    assert y.shape == (0, 1, 94) and dx.shape == (0, 3, 47)
    assert not any(gradient.any() for gradient in (*dWs, *dbs)) and [W.shape for W in dWs] == [W.shape for W in Ws]


def test_a_crop_of_several_samples(rng):
    assert (3, 3) in decoder_crops(5968)
    decoder, x = Decoder(16, 5968, rng), rng.standard_normal((2, 16, 47), np.float32)
    decoder.pack(np.float32)
    dy, found = rng.standard_normal((2, 5968), np.float32), {}
    for mode in backend.MODES:
        with backend.using(mode):
            decoder.zero_gradients()
            found[mode] = decoder.forward(x), decoder.backward(dy), *(g.copy() for g in decoder.gradients().values())
    for right, fast in zip(found["readable"], found["fast"], strict=True):
        assert np.linalg.norm(fast - right) <= 1e-4 * np.linalg.norm(right)
