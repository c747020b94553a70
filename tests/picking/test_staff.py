"""Work in several processes: everything is done once; what goes wrong there is told here, and nobody is left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter

import pytest

from minieqt.errors import UserError
from minieqt.picking.staff import WorkerLost, each_of


def square(number, progress):
    """The work of these tests; some numbers are trouble."""
    progress(1)
    if number == -1:
        raise UserError("no square of that")
    if number == -4:
        raise EOFError("a file that ends too soon")
    if number == -2:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == -3:
        time.sleep(600)
    return number * number, os.getpid()


@pytest.mark.parametrize("workers", [1, 3])
def test_every_item_once(workers):
    told = Counter()
    found = list(each_of(square, range(12), workers, lambda count: told.update(windows=count)))
    assert sorted(result for result, _ in found) == [n * n for n in range(12)]
    assert told["windows"] == 12
    assert (os.getpid() in {worker for _, worker in found}) == (workers == 1)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_here(workers):
    with pytest.raises(UserError, match="no square of that"):
        list(each_of(square, [1, -1, 2, 3], workers, lambda count: None))
    with pytest.raises(EOFError, match="ends too soon"):  # of the work, not of a worker
        list(each_of(square, [-4], workers, lambda count: None))
    assert not multiprocessing.active_children()


def test_a_worker_that_is_killed():
    """The others, one of which would go on for minutes, end too."""
    begin = time.monotonic()
    with pytest.raises(WorkerLost, match="a worker was killed by SIGKILL"):
        list(each_of(square, [-3, -2, 2], 2, lambda count: None))
    assert not multiprocessing.active_children() and time.monotonic() - begin < 60
