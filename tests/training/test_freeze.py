"""Frozen parts stay as they are, to the bit; the others learn as if the frozen ones were constants."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import disturb

from minieqt.adam import Adam
from minieqt.blocks.rescnn import ResCNN
from minieqt.errors import UserError
from minieqt.gradcheck import check_layer
from minieqt.model import EQTransformer
from minieqt.philox import Randomness
from minieqt.training.average import Average
from minieqt.training.freeze import freeze

LENGTH = 640  # five steps between encoder and decoders


def steps(model, optimiser, rng, count=3, average=None):
    model.train()
    for _ in range(count):
        x = rng.standard_normal((3, 3, LENGTH)).astype(model.vector.dtype)
        model.zero_gradients()
        model.loss_on_device(x, np.abs(x) % 1)
        model.backward(3, need_dx=False)
        optimiser.step()
        if average:
            average.update(optimiser.t)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_frozen_stays_and_the_rest_moves(rng, dtype):
    """The encoder and the decoders' kernels bring penalties; rescnn and bilstm bring statistics."""
    model = EQTransformer(2, length=LENGTH, seed=3, dtype=dtype)
    disturb(model, rng)
    prefixes = ["encoder", "rescnn", "bilstm.blocks.0"]
    optimiser = Adam(model, 1e-2, freeze(model, prefixes))
    average = Average(model, 0.9)
    before = {name: array.copy() for name, array in (model.parameters() | model.state()).items()}
    steps(model, optimiser, rng, average=average)
    with average.in_place():
        averaged = {name: array.copy() for name, array in (model.parameters() | model.state()).items()}
    for name, array in (model.parameters() | model.state()).items():
        stays = name.startswith(("encoder.", "rescnn.", "bilstm.blocks.0."))
        assert (array.tobytes() == before[name].tobytes()) == stays, name
        assert (averaged[name].tobytes() == before[name].tobytes()) == stays, name
    assert (optimiser.m[optimiser.trained == 0] == 0).all() and (optimiser.v[optimiser.trained == 0] == 0).all()


def test_a_batchnorm_frozen_in_part_goes_on_with_the_batch(rng):
    model = EQTransformer(2, length=LENGTH, seed=3)
    freeze(model, ["rescnn.blocks.0.halves.0.norm.gamma"])
    assert not any(half.norm.frozen for block in model.rescnn.blocks for half in block.halves)


def test_gradients_through_a_frozen_rescnn(rng):
    """Those of what goes in, and of the convolutions; with the dropout of training."""
    layer = ResCNN(4, rng, Randomness(1), 0.3)
    disturb(layer, rng)
    norms = [half.norm for block in layer.blocks for half in block.halves]
    for norm in norms:
        norm.frozen = True
        norm.mean[...], norm.variance[...] = rng.standard_normal(4), rng.uniform(0.5, 2, 4)
    kept = [norm.variance.copy() for norm in norms]
    errors = check_layer(layer, rng.standard_normal((2, 4, 9)), rng)
    trained = {name: error for name, error in errors.items() if ".norm." not in name}
    assert "x" in trained and max(trained.values()) <= 1e-6
    assert all((norm.variance == before).all() for norm, before in zip(norms, kept, strict=True))


@pytest.mark.parametrize("prefix", ["encode", "nothing", "rescnn.blocks.99", ""])
def test_a_prefix_of_nothing(prefix):
    with pytest.raises(UserError, match=r"no parameter's name begins so; the network's parts are encoder, rescnn"):
        freeze(EQTransformer(1, length=LENGTH), ["bilstm", prefix])


def test_the_whole_network():
    model = EQTransformer(1, length=LENGTH)
    parts = dict.fromkeys(name.split(".")[0] for name in model.parameters())
    with pytest.raises(UserError, match="nothing is left to train"):
        freeze(model, list(parts))


def test_nothing_frozen():
    assert freeze(EQTransformer(1, length=LENGTH), []) is None
