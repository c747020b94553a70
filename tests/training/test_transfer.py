"""Batches arrive as they were sent, on a GPU or a pretended one."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.training.transfer import PLACES, SIZES, Transfer


@pytest.fixture
def stream(cupy):
    """The one that computes, current: what it reads has arrived."""
    with cupy.cuda.Stream(non_blocking=True) as stream:
        yield stream


def test_batches_arrive(cupy, stream, rng):
    transfer = Transfer(cupy, stream)
    for size in (4, 4, 3, 4, 4, 2, 3):
        x, labels = rng.standard_normal((2, size, 3, 8)).astype(np.float32)
        sent = transfer.send(x, labels)
        for there, here in zip(sent, (x, labels), strict=True):
            np.testing.assert_array_equal(there.get(), here)
        transfer.consumed()
    assert [len(places) for places in transfer.places.values()] == [PLACES] * SIZES


def test_one_array_of_another_type(cupy, stream):
    transfer, facts = Transfer(cupy, stream), np.arange(24).reshape(8, 3)
    (sent,) = transfer.send(facts)
    np.testing.assert_array_equal(sent.get(), facts)
    assert sent.dtype == np.int64


def test_what_is_there_stays(cupy, stream):
    transfer = Transfer(cupy, stream)
    x, labels = cupy.zeros(3), cupy.ones(3)
    assert all(a is b for a, b in zip(transfer.send(x, labels), (x, labels), strict=True))
    transfer.consumed()
