"""A link: what is sent arrives, a slot is written again only after it has been read, silence and death are noticed."""

from __future__ import annotations

import os
import socket
import threading

import numpy as np
import pytest

from minieqt.parallel.link import CAPACITY, Link, Memory


@pytest.fixture
def ends():
    memory = Memory(descriptor := Memory.create(1), 1)
    os.close(descriptor)
    one, other = socket.socketpair()
    return Link(memory.slots[0], one), Link(memory.slots[0], other)


def test_numbers_arrive(ends, rng):
    sender, receiver = ends
    for dtype in (np.float32, np.float64, np.int64, np.uint8):
        sent = (100 * rng.standard_normal(37)).astype(dtype)
        sender.send(sent, 1)
        np.testing.assert_array_equal(receiver.receive(np.empty_like(sent), 1), sent)
        receiver.release()


def test_a_slot_is_not_overwritten(ends):
    sender, receiver = ends
    sender.send(np.ones(3), 1)
    with pytest.raises(TimeoutError):
        sender.send(np.zeros(3), 0.05)
    np.testing.assert_array_equal(receiver.receive(np.empty(3), 1), np.ones(3))
    threading.Timer(0.05, receiver.release).start()
    sender.send(np.zeros(3), 2)


def test_silence(ends):
    with pytest.raises(TimeoutError):
        ends[1].receive(np.empty(3), 0.05)


def test_the_other_end_has_gone(ends):
    sender, receiver = ends
    sender.close()
    with pytest.raises(EOFError):
        receiver.receive(np.empty(3), 1)


def test_nobody_listens(ends):
    sender, receiver = ends
    receiver.close()
    with pytest.raises(ConnectionError):
        sender.send(np.ones(3), 1)
    receiver = Link(receiver.slot, socket.socketpair()[0])
    receiver.release()  # the sender has gone, and nobody minds


def test_memory_has_no_name():
    before = set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()
    memory = Memory(descriptor := Memory.create(3), 3)
    os.close(descriptor)
    assert memory.slots.shape == (3, CAPACITY) and not memory.arrived.any()
    assert not os.path.isdir("/dev/shm") or set(os.listdir("/dev/shm")) <= before
