"""Explanations: the network's own weights and activations, and figures that show them."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.data.normalise import normalise
from minieqt.errors import UserError
from minieqt.evaluation.explain import draw_attention, draw_encoder, explain
from minieqt.model import EQTransformer


def test_what_the_network_itself_computes(rng):
    model = EQTransformer(lstm_blocks=1, seed=1)
    x = 1000 * rng.standard_normal((3, 6000)).astype(np.float32)
    found = explain(model, x)
    expected = np.concatenate(model.forward(normalise(x[None])))
    assert np.array_equal(found.probabilities, expected)
    np.testing.assert_allclose(found.encoder[-1], model.encoder.forward(normalise(x[None]))[0], atol=1e-6)
    assert [a.shape for a in found.encoder] == [
        (8, 3000), (16, 1500), (16, 750), (32, 375), (32, 188), (64, 94), (64, 47)
    ]  # fmt: skip
    for a in found.transformers:
        assert a.shape == (47, 47) and a.sum(axis=1) == pytest.approx(np.ones(47), abs=1e-4)
    step = np.subtract.outer(np.arange(47), np.arange(47))
    for a in found.local.values():
        assert (a[np.abs(step) > 1] == 0).all() and (a.sum(axis=1) <= 1 + 1e-5).all() and a.max() > 0
    assert len(found.arrays()) == 1 + 2 + 2 + 7


def test_figures(rng):
    model = EQTransformer(lstm_blocks=1, seed=1)
    x = rng.standard_normal((3, 6000)).astype(np.float32)
    found = explain(model, x)
    attention = draw_attention(x, found, {"P": 700.0, "S": np.nan}, "a window")
    images = [axes.images[0].get_array() for axes in attention.axes if axes.images]
    assert [image.shape for image in images[:4]] == [(47, 47), (47, 47), (3, 47), (3, 47)]
    assert np.array_equal(images[0], found.transformers[0])
    # The band's three rows are the weights of the step before, itself, and the step after.
    a = found.local["P"]
    assert images[2][0, 5] == a[5, 4] and images[2][1, 5] == a[5, 5] and images[2][2, 5] == a[5, 6]
    encoder = draw_encoder(x, found, {})
    shown = [axes.images[0].get_array() for axes in encoder.axes if axes.images]
    assert all(np.array_equal(a, b) for a, b in zip(shown, found.encoder, strict=False))


def test_another_length():
    with pytest.raises(UserError, match="windows of \\(3, 6000\\)"):
        explain(EQTransformer(lstm_blocks=1), np.zeros((3, 256), np.float32))
