"""The encoder against its three layers one by one, its lengths, and numerical gradients."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb
from test_twins import CASES, flat, functions_of, with_dtype

from kernels.cuda import on_host
from minieqt.blocks.encoder import Encoder, EncoderStage
from minieqt.layers.activations import relu_forward
from minieqt.layers.pool import maxpool1d_forward

SHAPES = [(2, 3, 4, 5, 9), (1, 1, 1, 1, 3), (1, 2, 3, 4, 7), (3, 1, 2, 11, 8)]  # B, C, O, K, T


@pytest.mark.parametrize("B, C, O, K, T", SHAPES)
def test_stage(rng, B, C, O, K, T):
    stage, x = disturb(EncoderStage(C, O, K, rng), rng), rng.standard_normal((B, C, T))
    expected, _ = maxpool1d_forward(relu_forward(stage.conv.forward(x)))
    np.testing.assert_array_equal(stage.forward(x), expected)


@pytest.mark.parametrize("B, C, O, K, T", SHAPES)
def test_gradients_of_a_stage(rng, B, C, O, K, T):
    assert_gradients(disturb(EncoderStage(C, O, K, rng), rng), rng.standard_normal((B, C, T)), rng)


def test_lengths_and_channels(rng):
    encoder, x = Encoder(rng), rng.standard_normal((1, 3, 6000))
    shapes = []
    for stage in encoder.stages:
        x = stage.forward(x)
        shapes.append(x.shape[1:])
    assert shapes == [(8, 3000), (16, 1500), (16, 750), (32, 375), (32, 188), (64, 94), (64, 47)]
    assert [stage.conv.W.shape[2] for stage in encoder.stages] == [11, 9, 7, 7, 5, 5, 3]


def test_kernels_and_biases_are_penalised(rng):
    assert all(stage.conv.penalties == {"W": (0, 1e-6), "b": (1e-4, 0)} for stage in Encoder(rng).stages)


@pytest.mark.parametrize("B, T", [(2, 128), (1, 47), (1, 129)])
def test_gradients(rng, B, T):
    assert_gradients(disturb(Encoder(rng), rng, 0.1), rng.standard_normal((B, 3, T)), rng, directions=5)


@pytest.mark.parametrize("device", ["readable", "cpu", "host"])
@pytest.mark.parametrize("stem", ["encoder", "encoder_stage"])
def test_without_the_inputs_gradient(rng, stem, device):
    """The same gradients of the weights, to the bit."""
    if device == "host" and not on_host.available():
        pytest.skip("CUDA kernels are compiled for the host by g++")
    forward, backward = functions_of(stem, None if device == "readable" else device)
    if forward is None:
        pytest.skip(f"{stem} is made of its stages on a GPU")
    for args in islice(CASES[stem](rng), 1, 4):
        y, cache = forward(*with_dtype(args, np.float32))
        dy = rng.standard_normal(y.shape).astype(np.float32)
        dx, *right = backward(dy, cache)
        none, *found = backward(dy, cache, need_dx=False)
        assert none is None and dx.shape == args[0].shape
        for a, b in zip(flat(found), flat(right), strict=True):
            np.testing.assert_array_equal(a, b)


def test_customs(rng):
    assert_customs(disturb(EncoderStage(3, 4, 5, rng), rng), rng.standard_normal((2, 3, 9)), rng)
    assert_customs(Encoder(rng), rng.standard_normal((2, 3, 47)), rng)
