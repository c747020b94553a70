"""Jobs side by side: on the processor one after the other, on a GPU in any order that events allow."""

from __future__ import annotations

import cupy_stand_in
import numpy as np
import pytest

from minieqt.streams import on_streams


def test_on_the_processor():
    assert on_streams(np.zeros(1), lambda: 1, lambda: 2) == [1, 2]


def captured(cupy, work):
    """`work(x, y)` of two arrays of zeros, replayed twice: x and y at its end, and the graph."""
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        x, y = cupy.zeros(3), cupy.zeros(3)
        stream.begin_capture()
        work(x, y)
        graph = stream.end_capture()
        graph.launch()
        graph.launch()
        return x.get(), y.get(), graph


def add(array, number):
    array += number
    return array


def test_jobs_begin_behind_what_came_before_and_end_ahead_of_what_follows(cupy):
    """x = 2 x + 1 before, y = 3 x + … in two jobs' results: any other order of the three parts gives other numbers."""

    def work(x, y):
        x *= 2
        x += 1
        one, two = on_streams(x, lambda: x * 3, lambda: x * 5)
        y += one
        y *= two
        x += 1

    x, y, _ = captured(cupy, work)
    expected_x, expected_y = 0, 0
    for _ in range(2):
        expected_x = 2 * expected_x + 1
        expected_y = (expected_y + 3 * expected_x) * 5 * expected_x
        expected_x += 1
    assert (x == expected_x).all() and (y == expected_y).all()


def waits_of(monkeypatch, side_streams):
    """Let only the side streams wait for events, or only the stream that forks."""
    wait = cupy_stand_in.Stream.wait_event
    here = cupy_stand_in.Stream.entered

    def wait_event(self, event):
        if (self is not here.streams[0]) == side_streams:
            wait(self, event)

    monkeypatch.setattr(cupy_stand_in.Stream, "wait_event", wait_event)


def test_the_stand_in_finds_a_job_that_nobody_waits_for(pretended, monkeypatch):
    waits_of(monkeypatch, side_streams=True)
    with pytest.raises(RuntimeError, match="CaptureUnjoined"):
        captured(pretended, lambda x, y: on_streams(add(x, 1), lambda: x + 1, lambda: add(y, x)))


def test_the_stand_in_finds_a_job_that_waits_for_nothing(pretended, monkeypatch):
    waits_of(monkeypatch, side_streams=False)
    _, y, _ = captured(pretended, lambda x, y: on_streams(add(x, 1), lambda: add(y, x)))
    assert not (y == 1 + 2).all()


def test_the_same_streams_every_time(pretended):
    """Memory belongs to the stream that used it first: new streams would never find any."""
    used = [on_streams(pretended.zeros(1), *[pretended.cuda.get_current_stream] * 3) for _ in range(2)]
    assert used[0] == used[1] and len(set(used[0])) == 3


def test_an_exception_leaves_the_stream(pretended):
    before = pretended.cuda.get_current_stream()
    with pytest.raises(ZeroDivisionError):
        on_streams(pretended.zeros(1), lambda: 1, lambda: 1 // 0)
    assert pretended.cuda.get_current_stream() is before
