"""Work in several processes: each item is done once, errors are raised here, and no process is left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter

import pytest

from minieqt.errors import UserError
from minieqt.picking.pool import WorkerLost, processes


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
    found = list(processes(workers)(square, range(12), lambda count: told.update(windows=count)))
    assert sorted(result for result, _ in found) == [n * n for n in range(12)]
    assert told["windows"] == 12
    assert (os.getpid() in {worker for _, worker in found}) == (workers == 1)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_here(workers):
    with pytest.raises(UserError, match="no square of that"):
        list(processes(workers)(square, [1, -1, 2, 3], lambda count: None))
    with pytest.raises(EOFError, match="ends too soon"):  # of the work, not of a worker
        list(processes(workers)(square, [-4], lambda count: None))
    assert not multiprocessing.active_children()


def test_a_worker_is_lost_again_and_again():
    """The others, one of which would go on for minutes, end too."""
    begin = time.monotonic()
    with pytest.raises(WorkerLost, match="4 workers were lost over -2, the last one killed by SIGKILL"):
        list(processes(2)(square, [-3, -2, 2], lambda count: None))
    assert not multiprocessing.active_children() and time.monotonic() - begin < 60


def once(path, progress):
    """Work whose worker is killed the first time, and of which a file stays."""
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path.name


def test_what_a_lost_worker_had_is_done_again(tmp_path):
    paths = [tmp_path / str(n) for n in range(3)]
    assert sorted(processes(2)(once, paths, lambda count: None)) == ["0", "1", "2"]
    assert not multiprocessing.active_children()
