"""Work for several processes: each takes the next item when it is done with one.

Every worker is a new Python with a share of the threads, which gets items and sends progress and results through a
pipe of its own. Ctrl-C reaches the one process that gives out the work; it ends the workers, which put away what they
have half-written. If that process is killed, the pipes close, and the workers end when they notice.
"""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

import numba

from minieqt.errors import UserError
from minieqt.threads import limit_threads

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Item, Callable[[int], object]], Result]  # gets an item, and whom to tell of progress

GRACE = 10.0  # s, for a worker to put things away
PROGRESS, DONE, FAILED = "progress", "done", "failed"


class WorkerLost(UserError):
    """A worker was killed."""


def each_of(
    work: Work[Item, Result], items: Iterable[Item], workers: int, progress: Callable[[int], object]
) -> Iterator[Result]:
    """The results of all items, as they come; one worker is this process. What a worker raises is raised here."""
    if workers > 1:
        yield from in_processes(work, items, workers, progress)
    else:
        for item in items:
            yield work(item, progress)


def in_processes(
    work: Work[Item, Result], items: Iterable[Item], workers: int, progress: Callable[[int], object]
) -> Iterator[Result]:
    """As `each_of`, in processes. WorkerLost if one is killed."""
    todo, context = iter(items), get_context("spawn")
    threads = max(numba.get_num_threads() // workers, 1)
    staff: dict[Any, Any] = {}  # {pipe: process}
    busy: list[Any] = []

    @contextmanager
    def connected() -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError) as error:
            raise WorkerLost(f"a worker was {fate(list(staff.values()))}") from error

    def give(pipe: Any) -> None:
        for item in todo:
            busy.append(pipe)
            with connected():
                pipe.send(item)
            return

    try:
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which the workers inherit
        try:
            for _ in range(workers):
                ours, theirs = context.Pipe()
                staff[ours] = context.Process(target=serve, args=(work, theirs, threads), daemon=True)
                staff[ours].start()
                theirs.close()
        finally:
            signal.signal(signal.SIGINT, heard)
        for pipe in staff:
            give(pipe)
        while busy:
            ready: list[Any] = wait(busy)
            for pipe in ready:
                with connected():
                    what, told = pipe.recv()
                if what == FAILED:
                    raise told
                if what == PROGRESS:
                    progress(told)
                    continue
                busy.remove(pipe)
                give(pipe)
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


def fate(processes: Iterable[Any]) -> str:
    """What became of the first worker that has ended."""
    for _ in range(100):
        for process in processes:
            if process.exitcode is not None:
                code = process.exitcode
                return f"killed by {signal.Signals(-code).name}" if code < 0 else f"lost (exit code {code})"
        time.sleep(0.01)  # its pipe may close before it has ended
    return "lost"


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
