"""Batches arrive as they were sent, on a pretended GPU."""

from __future__ import annotations

import cupy_stand_in
import numpy as np

from minieqt.training.transfer import PLACES, SIZES, Transfer


def test_batches_arrive(monkeypatch, rng):
    cupy = cupy_stand_in.install(monkeypatch)
    transfer = Transfer(cupy, cupy.cuda.Stream(non_blocking=True))
    for size in (4, 4, 3, 4, 4, 2, 3):
        x, labels = rng.standard_normal((2, size, 3, 8)).astype(np.float32)
        sent = transfer.send(x, labels)
        for there, here in zip(sent, (x, labels), strict=True):
            np.testing.assert_array_equal(there.get(), here)
        transfer.consumed()
    assert [len(places) for places in transfer.places.values()] == [PLACES] * SIZES


def test_one_array_of_another_type(monkeypatch):
    cupy = cupy_stand_in.install(monkeypatch)
    transfer, facts = Transfer(cupy, cupy.cuda.Stream(non_blocking=True)), np.arange(24).reshape(8, 3)
    (sent,) = transfer.send(facts)
    np.testing.assert_array_equal(sent.get(), facts)
    assert sent.dtype == np.int64


def test_what_is_there_stays(monkeypatch):
    cupy = cupy_stand_in.install(monkeypatch)
    transfer = Transfer(cupy, cupy.cuda.Stream(non_blocking=True))
    x, labels = cupy.zeros(3), cupy.ones(3)
    assert all(a is b for a, b in zip(transfer.send(x, labels), (x, labels), strict=True))
    transfer.consumed()
