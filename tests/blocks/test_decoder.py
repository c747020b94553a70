"""The decoder against its layers one by one, its crops and lengths, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.blocks.decoder import Decoder, DecoderStage, decoder_crops
from minieqt.layers.activations import relu_forward
from minieqt.layers.upsample import crop1d_forward, upsample1d_forward

CASES = [  # B, C, O, K, T, crop
    (2, 3, 4, 5, 6, (0, 0)),
    (2, 3, 2, 5, 6, (1, 1)),
    (1, 1, 1, 1, 3, (0, 0)),
    (1, 2, 3, 4, 7, (0, 1)),
    (3, 1, 2, 3, 4, (2, 1)),
]


@pytest.mark.parametrize("B, C, O, K, T, crop", CASES)
def test_stage(rng, B, C, O, K, T, crop):
    stage, x = disturb(DecoderStage(C, O, K, crop, rng), rng), rng.standard_normal((B, C, T))
    expected = relu_forward(stage.conv.forward(crop1d_forward(upsample1d_forward(x), crop)))
    np.testing.assert_array_equal(stage.forward(x), expected)
    assert expected.shape == (B, O, 2 * T - sum(crop))


@pytest.mark.parametrize("B, C, O, K, T, crop", CASES)
def test_gradients_of_a_stage(rng, B, C, O, K, T, crop):
    assert_gradients(disturb(DecoderStage(C, O, K, crop, rng), rng), rng.standard_normal((B, C, T)), rng)


def test_lengths_and_channels(rng):
    decoder, x = Decoder(16, 6000, rng), rng.standard_normal((1, 16, 47))
    shapes = []
    y = x
    for stage in decoder.stages:
        y = stage.forward(y)
        shapes.append(y.shape[1:])
    assert shapes == [(64, 94), (64, 188), (32, 376), (32, 750), (16, 1500), (16, 3000), (8, 6000)]
    assert [stage.conv.W.shape[2] for stage in decoder.stages] == [3, 5, 5, 7, 7, 9, 11]
    np.testing.assert_array_equal(decoder.forward(x), decoder.head.forward(y)[:, 0])


def test_crops():
    uncropped = (0, 0)
    assert decoder_crops(6000) == [uncropped] * 3 + [(1, 1)] + [uncropped] * 3
    assert decoder_crops(256) == [uncropped] * 7
    with pytest.raises(ValueError, match="a window of 750 samples cannot be decoded"):
        decoder_crops(750)


def test_only_the_stages_are_penalised(rng):
    decoder = Decoder(16, 128, rng)
    assert all(stage.conv.penalties == {"W": (0, 1e-6), "b": (1e-4, 0)} for stage in decoder.stages)
    assert decoder.head.penalties == {"W": (0, 0), "b": (0, 0)}


@pytest.mark.parametrize("crop", [(0, 0), (1, 1)])
@pytest.mark.parametrize("B, T", [(2, 1), (1, 2)])
def test_gradients(rng, B, T, crop):
    decoder = disturb(Decoder(2, 128 * T, rng), rng, 0.1)
    decoder.stages[3].crop = crop  # as in a window of 6000
    assert_gradients(decoder, rng.standard_normal((B, 2, T)), rng, directions=5)


def test_customs(rng):
    assert_customs(disturb(DecoderStage(3, 4, 5, (1, 1), rng), rng), rng.standard_normal((2, 3, 9)), rng)
    assert_customs(Decoder(2, 128, rng), rng.standard_normal((2, 2, 1)), rng)


def test_seisbench_crops_where_the_encoder_padded():
    uncropped = (0, 0)
    assert decoder_crops(6000, "seisbench") == [uncropped] * 2 + [(0, 1)] + [uncropped] * 4
    assert decoder_crops(750, "seisbench") == [uncropped] * 2 + [(0, 1)] + [uncropped] * 2 + [(0, 1), uncropped]
    with pytest.raises(ValueError, match="crop must be one of keras, seisbench"):
        decoder_crops(6000, "torch")
