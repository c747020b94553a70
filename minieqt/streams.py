"""Independent work, side by side on a GPU.

A kernel of the network rarely fills a GPU, least of all with a small batch, and an LSTM waits more than it computes.
The three branches after the transformer do not depend on each other, so each is launched on a stream of its own:

    here      … the transformer ──┬───────────────────────────┬── the losses …
    stream 0                      ├── detection ──────────────┤
    stream 1                      ├── P ──────────────────────┤
    stream 2                      └── S ──────────────────────┘

Events order them: a stream begins when everything launched before it has finished, and what is launched afterwards
waits for all of them. In a graph (training/graph_step.py) the streams become three branches of it.

Memory needs no more than that. CuPy reuses memory that a stream freed on the same stream only, whose kernels follow
each other. What the branches share is allocated here before they begin, and reused here after they have ended. What
they leave, results and the gradients that are deferred to the end of backward, is read and freed here before the
streams are used again, which wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import numpy as np

from minieqt.backend import array_module

Array = Any
Result = TypeVar("Result")


def on_streams(x: Array, *jobs: Callable[[], Result]) -> list[Result]:
    """What each of the jobs returns, in their order; x: an array on the device where they compute.

    On the processor one job follows the other. Jobs share what they read, and write to nothing in common.
    """
    xp = array_module(x)
    if xp is np:
        return [job() for job in jobs]
    here = xp.cuda.get_current_stream()
    streams, ends, begin = lanes(xp, xp.cuda.Device().id, len(jobs))
    begin.record(here)
    results = []
    for job, stream, end in zip(jobs, streams, ends, strict=True):
        with stream:
            stream.wait_event(begin)
            results.append(job())
            end.record(stream)
    for end in ends:
        here.wait_event(end)
    return results


@cache
def lanes(xp: Any, device: int, count: int) -> tuple[list, list, Any]:
    """Streams of one GPU, an event for the end of each, and one for their beginning. They are the same ones every time,
    because memory belongs to the stream that it was first used on."""
    events = [xp.cuda.Event(disable_timing=True) for _ in range(count + 1)]
    return [xp.cuda.Stream(non_blocking=True) for _ in range(count)], events[:-1], events[-1]
