"""The BiLSTM blocks: wiring, shapes, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.blocks.bilstm import BiLSTM, BiLSTMBlock
from minieqt.philox import Randomness


def make(rng, channels, blocks=2, drop_rate=0.0, gate="sigmoid"):
    return disturb(BiLSTM(channels, blocks, rng, Randomness(11), drop_rate, gate), rng, 0.1)


def test_wiring(rng):
    layer, x = make(rng, 3, drop_rate=0.4), rng.standard_normal((2, 3, 7))
    y = x
    for block in layer.blocks:
        h = block.lstm.forward(y)
        assert h.shape == (2, 32, 7)
        y = block.norm.forward(np.einsum("oc, nct -> not", block.conv.W[:, :, 0], h) + block.conv.b[:, None])
    np.testing.assert_allclose(layer.forward(x), y, rtol=0, atol=1e-12)
    assert y.shape == (2, 16, 7)


@pytest.mark.parametrize("drop_rate", [0.0, 0.4])
@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 1, 7)])
def test_gradients_of_a_block(rng, shape, drop_rate):
    block = disturb(BiLSTMBlock(shape[1], rng, Randomness(11), drop_rate, "sigmoid"), rng, 0.1)
    assert_gradients(block, rng.standard_normal(shape), rng, directions=5)


@pytest.mark.parametrize("gate", ["sigmoid", "hard_sigmoid"])
@pytest.mark.parametrize("blocks", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 4, 5), (1, 3, 9)])
def test_gradients(rng, shape, blocks, gate):
    layer = make(rng, shape[1], blocks, 0.1, gate)
    assert len(layer.blocks) == blocks
    assert_gradients(layer, rng.standard_normal(shape), rng, directions=5)


def test_customs(rng):
    assert_customs(make(rng, 3, drop_rate=0.4), rng.standard_normal((2, 3, 9)), rng)
