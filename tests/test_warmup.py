"""Compiling ahead: everything a step needs, and nothing of the network it is for."""

from __future__ import annotations

import numpy as np
from numba.core import event

from minieqt import EQTransformer, backend
from minieqt.warmup import warm_up


class Compilations(event.Listener):
    """Counts the functions that Numba compiles (those it finds on disk do not count)."""

    def __init__(self):
        self.count = 0

    def on_start(self, _):
        self.count += 1

    def on_end(self, _):
        pass


def test_a_step_after_it_compiles_nothing():
    model = EQTransformer(length=256)
    warm_up(model)
    compilations = Compilations()
    x = np.ones((3, 3, 256), np.float32)
    with event.install_listener("numba:compile", compilations):
        model.train()
        model.loss(x, np.zeros_like(x))
        model.backward()
        model.eval()
        model.forward(x)
    assert compilations.count == 0


def test_the_network_is_not_touched():
    model = EQTransformer(length=256)
    before, step = model.vector.copy(), model.randomness.step
    warm_up(model)
    assert np.array_equal(model.vector, before)
    assert model.randomness.step == step
    assert not model.gradient.any()


def test_the_readable_mode_needs_nothing():
    compilations = Compilations()
    with backend.using("readable"), event.install_listener("numba:compile", compilations):
        warm_up(EQTransformer(length=256))
    assert compilations.count == 0
