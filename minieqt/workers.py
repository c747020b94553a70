"""Work on several threads, results in order: batches for the network, channels for the filter, files read ahead.

Threads that share one batch wait for each other sixty times per batch; threads with batches of their own do not. So
each worker runs its kernels on its share of the threads. Kernels, SciPy's filters and ObsPy's readers release the GIL
while they work.

Numba's simplest threading layer, workqueue, aborts the process when two threads run parallel kernels at once; OpenMP
and TBB allow it. Where neither of these is installed Numba uses workqueue: then one worker runs the kernels, on all
threads, and a lock keeps other callers in the same process out meanwhile.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import numba

Item = TypeVar("Item")
Result = TypeVar("Result")

ALONE = threading.Lock()


def kernels_may_meet() -> bool:
    """Whether several threads may run parallel kernels at the same time."""
    numba.get_num_threads()  # starts the threading layer, which has no name before
    return numba.threading_layer() != "workqueue"


def running_kernels() -> AbstractContextManager[object]:
    """Hold this around kernels: a lock where they may not meet, nothing elsewhere."""
    return nullcontext() if kernels_may_meet() else ALONE


def in_order(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[tuple[Item, Result]]:
    """(item, work(item)) in the order of the items; `workers` calls at a time, and no more results waiting than that.

    The kernels of each call get an equal share of the threads.
    """
    share = max(numba.get_num_threads() // workers, 1)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(workers, initializer=numba.set_num_threads, initargs=(share,)) as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) > workers:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
