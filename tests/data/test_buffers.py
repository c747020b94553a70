"""Memory is used again only when nobody looks at it."""

from __future__ import annotations

import numpy as np

from minieqt.data.buffers import Buffers


def address(array):
    return array.__array_interface__["data"][0]


def test_what_is_let_go_is_used_again():
    buffers = Buffers(4)
    first = buffers.take(10, 3)
    assert first.shape == (10, 3) and first.dtype == np.float32
    place = address(first)
    del first
    assert address(buffers.take(10, 3)) == place


def test_what_somebody_holds_is_left_alone():
    buffers = Buffers(4)
    whole = buffers.take(10, 3)
    place, part = address(whole), whole[2:4].T.reshape(-1)[1:]
    view = memoryview(whole[5])
    assert address(buffers.take(10, 3)) != place
    del whole
    assert address(buffers.take(10, 3)) != place  # a view of a view still looks at it
    del part
    assert address(buffers.take(10, 3)) != place
    del view
    assert address(buffers.take(10, 3)) == place


def test_no_more_are_kept_than_asked_for():
    buffers = Buffers(2)
    held = [buffers.take(5) for _ in range(10)]
    assert len({address(array) for array in held}) == 10
    del held
    assert len(buffers._arrays) <= 3
