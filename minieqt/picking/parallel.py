"""Several batches at once: one thread a processor, each of which runs its kernels alone.

Kernels that share one batch among threads wait for each other sixty times a batch; batches of their own do not. The
kernels let go of Python's lock, so that Python's threads are enough.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numba

Item = TypeVar("Item")
Result = TypeVar("Result")


def threads() -> int:
    """How many calls may run at once; Numba's simplest threading layer allows one."""
    try:
        layer = numba.threading_layer()
    except ValueError:  # nothing has run in parallel yet
        return 1
    return 1 if layer == "workqueue" else numba.get_num_threads()


def in_order(work: Callable[[Item], Result], items: Iterable[Item], count: int) -> Iterator[tuple[Item, Result]]:
    """(item, work(item)) in the order of the items; `count` calls at a time, and no more results waiting than that."""
    if count == 1:
        for item in items:
            yield item, work(item)
        return
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(count, initializer=numba.set_num_threads, initargs=(1,)) as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) > count:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
