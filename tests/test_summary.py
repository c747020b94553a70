"""The summary: every layer that runs, its shape, and numbers that add up."""

from __future__ import annotations

import numpy as np

from minieqt import EQTransformer
from minieqt.summary import output_shapes


def test_numbers_add_up():
    model = EQTransformer()
    text = model.summary()
    rows = [line.split() for line in text.splitlines()[2:-2]]
    trained, statistics = (sum(int(row[column].replace(",", "")) for row in rows) for column in (-2, -1))
    assert (trained, statistics) == model.count_parameters() == (371_639, 1_856)
    assert text.splitlines()[-1] == "371,639 trained parameters and 1,856 batch-normalisation statistics"
    assert len({len(line) for line in text.splitlines()[:-1]}) == 1  # columns line up


def test_shapes():
    shapes = output_shapes(EQTransformer())
    assert shapes["encoder.stages.0"] == (8, 3000)
    assert shapes["encoder"] == (64, 47)
    assert shapes["bilstm"] == shapes["transformers.1"] == (16, 47)
    assert shapes["s.decoder.stages.3"] == (32, 750)
    assert shapes["detection"] == (6000,)


def test_three_blocks():
    assert "bilstm.blocks.2.lstm" in EQTransformer(lstm_blocks=3).summary()


def test_the_model_is_left_as_it_was():
    model = EQTransformer(length=256)
    model.encoder.eval()
    before = {name: array.copy() for name, array in (model.parameters() | model.state()).items()}
    model.summary()
    assert model.training and not model.encoder.training and model.randomness.step == 0
    assert not any("forward" in vars(layer) for _, layer in model.layers())
    for name, array in (model.parameters() | model.state()).items():
        np.testing.assert_array_equal(array, before[name])
