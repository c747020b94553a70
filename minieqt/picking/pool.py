"""Pools of workers: each worker takes the next item when it has finished one.

A pool is a function that runs some work over items: in this process (`serial`), in several `processes` of this machine,
or on a Dask cluster (cluster.py). It yields the results as they come, reports progress, and raises here what the work
raises there.

A worker process is a new Python with a share of the threads. It receives items, and sends progress and results, through
a pipe of its own. If it is killed, a new one gets its item. Ctrl-C reaches only the process that hands out the work;
that one ends the workers, which remove what they have half-written. If it is killed itself, its pipes close, and the
workers end when they notice.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

import numba

from minieqt.errors import UserError
from minieqt.threads import limit_threads

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int], object]
Work = Callable[[Item, Progress], Result]
Pool = Callable[[Work[Any, Any], Iterable[Any], Progress], Iterator[Any]]

RETRIES = 3  # of an item whose worker was lost, as in Dask
GRACE = 10.0  # s, for a worker to clean up
PROGRESS, DONE, FAILED = "progress", "done", "failed"


class WorkerLost(UserError):
    """Workers were killed, or cannot be reached any more."""


def processes(count: int) -> Pool:
    """A pool of so many processes, which share the threads of this one; a pool of one is this process itself."""
    return serial if count == 1 else partial(in_processes, count)


def serial(work: Work[Item, Result], items: Iterable[Item], progress: Progress) -> Iterator[Result]:
    """Item by item in this process."""
    for item in items:
        yield work(item, progress)


def in_processes(
    count: int, work: Work[Item, Result], items: Iterable[Item], progress: Progress
) -> Iterator[Result]:
    """In `count` processes. WorkerLost if one item has its workers killed more than RETRIES times."""
    todo, context = iter(items), get_context("spawn")
    threads = max(numba.get_num_threads() // count, 1)
    workers: dict[Any, Any] = {}  # {our end of its pipe: process}
    busy: dict[Any, tuple[Item, int]] = {}  # {pipe: the process's item, how many workers it has lost}

    def start() -> Any:
        ours, theirs = context.Pipe()
        with ctrl_c_blocked():
            workers[ours] = context.Process(target=run_worker, args=(work, theirs, threads), daemon=True)
            workers[ours].start()
        theirs.close()
        return ours

    def give(pipe: Any, item: Item, lost: int = 0) -> None:
        busy[pipe] = item, lost
        with suppress(ConnectionError):  # a closed pipe is noticed when it is read
            pipe.send(item)

    def replace(pipe: Any) -> None:
        item, lost = busy.pop(pipe)
        if lost == RETRIES:
            raise WorkerLost(f"{RETRIES + 1} workers were lost over {item}, the last one {how_it_ended(workers[pipe])}")
        give(start(), item, lost + 1)

    try:
        first = list(islice(todo, count))
        for pipe, item in zip([start() for _ in first], first, strict=True):  # all are started before the first works
            give(pipe, item)
        while busy:
            ready: list[Any] = wait(list(busy))
            for pipe in ready:
                try:
                    what, told = pipe.recv()
                except (EOFError, OSError):
                    replace(pipe)
                    continue
                if what == FAILED:
                    raise told
                if what == PROGRESS:
                    progress(told)
                    continue
                del busy[pipe]
                for item in islice(todo, 1):
                    give(pipe, item)
                yield told
    finally:
        for pipe, process in workers.items():
            if process.pid is not None:
                process.terminate()
            pipe.close()
        for process in workers.values():
            if process.pid is not None:
                process.join(GRACE)
                process.kill()
                process.join()


@contextmanager
def ctrl_c_blocked() -> Iterator[None]:
    """Processes started inside do not receive Ctrl-C; if it is pressed meanwhile, this one receives it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # Python starts it with the first process, and unblocks Ctrl-C then
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def how_it_ended(process: Any) -> str:
    """How a worker whose pipe is closed has ended."""
    process.join(1)  # its pipe may close before it has ended
    code = process.exitcode
    if code is None:
        return "does not answer"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def run_worker(work: Work[Item, Result], pipe: Connection, threads: int) -> None:
    """Work on items from the pipe until it is closed."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    limit_threads(threads)
    with suppress(EOFError, ConnectionError):  # the other end is closed
        while True:
            item = pipe.recv()
            answer: tuple[str, Any]
            try:
                answer = DONE, work(item, lambda count: pipe.send((PROGRESS, count)))
            except Exception as error:
                error.add_note(traceback.format_exc())
                answer = FAILED, error
            pipe.send(answer)
