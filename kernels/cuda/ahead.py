"""Kernels that need only a step's parameters and its number, launched on a stream of their own that runs ahead.

Weights in their tiles' order and dropout masks are many small kernels: launching one takes longer than its work, and
the convolution after it would wait. None of them needs the results of earlier layers. So within `ahead_of_step` they
follow each other on a second stream, which begins where the first of them is called:

    here     … augmentation ─┬─ encoder 1 ── encoder 2 ── …
                             │      ▲            ▲
    ahead                    └─ weights 1 ── weights 2 ── mask 1 ── …

In a graph they are a branch that is done long before it is needed; the layers need not be known in advance.

CuPy reuses freed memory on the stream that it was first used on, and this stream does not wait for the ones that read:
so everything it made is kept to the end of the with block, by when all of them have been waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

import numpy as np

from .launch import module_of

Array = Any
Result = TypeVar("Result")

_made: ContextVar[list[Any] | None] = ContextVar("made", default=None)


@contextmanager
def ahead_of_step() -> Iterator[None]:
    """Let `ahead` run ahead, for one step or one evaluation, during which no parameter changes."""
    token = _made.set([])
    try:
        yield
    finally:
        _made.reset(token)


def ahead(like: Array, work: Callable[[], Result]) -> Result:
    """What `work` launches and returns: arrays that depend only on parameters and on the step's number.

    like: an array on the same device. The current stream waits for them, and for them only.
    """
    made, xp = _made.get(), module_of(like)
    if made is None or xp is np:
        return work()
    here = xp.cuda.get_current_stream()
    stream, begin, end = lane(xp, xp.cuda.Device().id)
    with stream:
        if not made:
            begin.record(here)
            stream.wait_event(begin)
        made.append(work())
        end.record(stream)
    here.wait_event(end)
    return made[-1]


@cache
def lane(xp: Any, device: int) -> tuple[Any, Any, Any]:
    """The stream of one GPU, an event for its beginning and one for its last kernel; always the same ones."""
    return xp.cuda.Stream(non_blocking=True), *(xp.cuda.Event(disable_timing=True) for _ in range(2))
