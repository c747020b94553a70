"""Work for several workers: each takes the next item when it is done with one.

A staff is whoever does it: this process `alone`, `processes` of this machine, or a Dask cluster (cluster.py). It gets
the work, items, and whom to tell of progress, and gives the results as they come. What the work raises is raised there.

A process is a new Python with a share of the threads, which gets items and sends progress and results through a pipe of
its own. If it is killed, a new one does its item again. Ctrl-C reaches the one process that gives out the work; it ends
the workers, which put away what they have half-written. If that process is killed, the pipes close, and the workers end
when they notice.
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
Work = Callable[[Item, Progress], Result]  # gets an item, and whom to tell of progress
Staff = Callable[[Work[Any, Any], Iterable[Any], Progress], Iterator[Any]]

AGAIN = 3  # times that an item whose worker was lost is given to another, as Dask does
GRACE = 10.0  # s, for a worker to put things away
PROGRESS, DONE, FAILED = "progress", "done", "failed"


class WorkerLost(UserError):
    """Workers were killed, or cannot be reached any more."""


def processes(count: int) -> Staff:
    """A staff of so many processes that share the threads of this one; one is this process."""
    return alone if count == 1 else partial(in_processes, count)


def alone(work: Work[Item, Result], items: Iterable[Item], progress: Progress) -> Iterator[Result]:
    """A staff of one: this process."""
    for item in items:
        yield work(item, progress)


def in_processes(
    count: int, work: Work[Item, Result], items: Iterable[Item], progress: Progress
) -> Iterator[Result]:
    """A staff of `count` processes. WorkerLost if one after the other is killed over an item."""
    todo, context = iter(items), get_context("spawn")
    threads = max(numba.get_num_threads() // count, 1)
    staff: dict[Any, Any] = {}  # {our end of its pipe: process}
    busy: dict[Any, tuple[Item, int]] = {}  # {pipe: what the process works at, how many were lost over it}

    def hire() -> Any:
        ours, theirs = context.Pipe()
        with deaf_to_ctrl_c():
            staff[ours] = context.Process(target=serve, args=(work, theirs, threads), daemon=True)
            staff[ours].start()
        theirs.close()
        return ours

    def give(pipe: Any, item: Item, lost: int = 0) -> None:
        busy[pipe] = item, lost
        with suppress(ConnectionError):  # whoever reads from the pipe is told
            pipe.send(item)

    def replace(pipe: Any) -> None:
        item, lost = busy.pop(pipe)
        if lost == AGAIN:
            raise WorkerLost(f"{AGAIN + 1} workers were lost over {item}, the last one {fate(staff[pipe])}")
        give(hire(), item, lost + 1)

    try:
        first = list(islice(todo, count))
        for pipe, item in zip([hire() for _ in first], first, strict=True):  # before the first one begins
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
        for pipe, process in staff.items():
            if process.pid is not None:
                process.terminate()
            pipe.close()
        for process in staff.values():
            if process.pid is not None:
                process.join(GRACE)
                process.kill()
                process.join()


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Processes that are started inside do not hear Ctrl-C; whoever starts them does, afterwards."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which Python starts with the first process, and then lets Ctrl-C through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def fate(process: Any) -> str:
    """What became of a worker whose pipe is closed."""
    process.join(1)  # its pipe may close before it has ended
    code = process.exitcode
    if code is None:
        return "does not answer"
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def serve(work: Work[Item, Result], pipe: Connection, threads: int) -> None:
    """A worker's life."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    limit_threads(threads)
    with suppress(EOFError, ConnectionError):  # there is no more to do, or nobody to do it for
        while True:
            item = pipe.recv()
            answer: tuple[str, Any]
            try:
                answer = DONE, work(item, lambda count: pipe.send((PROGRESS, count)))
            except Exception as error:
                error.add_note(traceback.format_exc())
                answer = FAILED, error
            pipe.send(answer)
