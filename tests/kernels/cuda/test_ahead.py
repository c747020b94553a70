"""What runs ahead of a step: it waits for nothing behind its beginning, and whoever needs it waits for it."""

from __future__ import annotations

import cupy_stand_in
import numpy as np
import pytest

from kernels.cuda.ahead import ahead, ahead_of_step


def replayed(cupy, work):
    """`work(x, y)`, of a parameter x = 2 and of zeros y, captured and replayed: y at its end, and the graph."""
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        x, y = cupy.zeros(3), cupy.zeros(3)
        x += 2
        with ahead_of_step():
            work(x, y)  # all memory that the graph needs
        y[...] = 0
        stream.begin_capture()
        with ahead_of_step():
            work(x, y)
        graph = stream.end_capture()
        graph.launch()
        return y.get(), graph


def step(x, y):
    """y = ((y + 1) · 3 x + 1) · 5 x + 1: any other order gives another number."""
    y += 1
    y *= ahead(x, lambda: x * 3)
    y += 1
    y *= ahead(x, lambda: x * 5)
    y += 1


def test_whoever_needs_it_waits(cupy):
    y, _ = replayed(cupy, step)
    assert (y == (1 * 6 + 1) * 10 + 1).all()


def test_it_waits_for_what_was_before_its_beginning_alone(pretended):
    """The second follows the first, and not what was launched between them."""
    _, graph = replayed(pretended, step)
    assert [behind for _, behind in graph.operations] == [set(), {0}, {0, 1}, {2}, {1}, {3, 4}, {5}]


def test_the_stand_in_finds_that_nobody_waits(pretended, monkeypatch):
    wait, entered = cupy_stand_in.Stream.wait_event, cupy_stand_in.Stream.entered

    def only_ahead_waits(self, event):
        if self is not entered.streams[0]:
            wait(self, event)

    monkeypatch.setattr(cupy_stand_in.Stream, "wait_event", only_ahead_waits)
    with pytest.raises(RuntimeError, match="CaptureUnjoined"):
        replayed(pretended, lambda x, y: ahead(x, lambda: x * 3))


def test_what_it_made_lives_to_the_end(pretended):
    """Its stream hands memory on without waiting for those that still read."""
    x, places = pretended.zeros(3), set()
    with ahead_of_step():
        for _ in range(5):
            places.add(id(ahead(x, lambda: x + 1)))
    assert len(places) == 5


def test_elsewhere_it_is_done_here_and_now(pretended):
    x = pretended.zeros(3)
    here = pretended.cuda.get_current_stream()
    assert ahead(x, pretended.cuda.get_current_stream) is here
    with ahead_of_step():
        assert ahead(x, pretended.cuda.get_current_stream) is not here
        assert ahead(np.zeros(3), lambda: 1) == 1
