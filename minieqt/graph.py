"""CUDA graphs: kernels that are launched again and again on a GPU, launched as one.

The network is some hundred kernels of a few microseconds each, and a processor needs longer to launch one. A graph is
captured once, by doing the work on a stream that only records it, and then replayed: one launch for all of it.

During a capture nothing may be copied to or from the host, everything must have been compiled, and arrays must stay
where they are: memory comes from a pool that belongs to the graph. training/graph_step.py captures a training step;
`cuda_graphed`, here, a network's forward.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from minieqt.backend import array_module, device_of, mode
from minieqt.kernels import kernel_module

Array = Any

ALONE = threading.RLock()  # held while a network on a GPU is launched


def captured(stream: Any, work: Callable[[], object]) -> tuple[Any, str]:
    """Capture `work` on `stream`: (graph, ""), or (None, why it failed).

    Nothing is computed yet. MemoryError where there is too little.
    """
    try:
        stream.begin_capture()
        work()
        return stream.end_capture(), ""
    except Exception as error:
        with suppress(Exception):  # the capture must end in any case, on this stream and on those that joined it
            stream.end_capture()
        if isinstance(error, MemoryError):
            raise
        return None, str(error) or type(error).__name__


class KeptMemory:
    """A pool of device memory that gives nothing back to the GPU while it exists: `allocator` for using_allocator.

    CuPy's own pool would count memory that a graph wrote to and released as free, and give it back to the GPU when an
    allocation fails elsewhere; the graph, and earlier ones of the same pool, would go on writing there.
    """

    def __init__(self, xp: Any):
        self.xp, self.kept = xp, []  # type: ignore[var-annotated]
        self.pool = xp.cuda.MemoryPool(self.allocate)
        self.allocator = self.pool.malloc

    def allocate(self, size: int) -> Any:
        """New device memory, which the pool keeps for ever."""
        memory = self.xp.cuda.Memory(size)
        self.kept.append(memory)
        return self.xp.cuda.MemoryPointer(memory, 0)


class Replay:
    """`forward(model, x)`, by a graph from the second input in a row of one shape on."""

    def __init__(self, forward: Callable[[Any, Array], tuple[Array, ...]], model: Any):
        self.vector = model.vector  # where the graph reads the parameters
        self.function, self.xp = functools.partial(forward, model), array_module(model.vector)
        self.stream, self.memory = self.xp.cuda.Stream(non_blocking=True), KeptMemory(self.xp)
        self.last_shape: tuple[int, ...] = ()
        self.place: Array = None  # where the graph finds its input
        self.outputs: tuple[Array, ...] = ()
        self.graph: Any = None
        self.refused = False

    def __call__(self, x: Array) -> tuple[Array, ...]:
        """What the function returns for x, an array on the device; the outputs are copies."""
        if not self.fits(x) and x.shape == self.last_shape and not self.refused:
            self.capture(x)
        self.last_shape = x.shape
        if not self.fits(x):
            return self.function(x)
        self.place[...] = x
        self.graph.launch()
        return tuple(output.copy() for output in self.outputs)

    def fits(self, x: Array) -> bool:
        """Whether there is a graph for inputs of this shape."""
        return self.graph is not None and x.shape == self.place.shape

    def capture(self, x: Array) -> None:
        """Make the graph for inputs like x, instead of an older one, or print in one line why there is none."""

        def work() -> None:
            with kernel_module("cuda.ahead").ahead_of_step():
                self.outputs = self.function(self.place)

        self.graph, self.outputs, self.place, problem = None, (), x.copy(), ""
        self.memory = KeptMemory(self.xp)  # frees the older graph's
        self.xp.cuda.get_current_stream().synchronize()  # x is there before another stream reads it
        try:
            with self.stream, self.xp.cuda.using_allocator(self.memory.allocator):
                work()  # so that the pool holds all memory that the graph needs
                self.stream.synchronize()
                self.graph, problem = captured(self.stream, work)
        except MemoryError as error:
            problem = str(error)
        if self.graph is None:
            self.refused, self.outputs = True, ()
            line = f"the network answers without a CUDA graph, kernel by kernel: {problem}"
            print(line, file=sys.stderr, flush=True)


def cuda_graphed(forward: Callable[[Any, Array], tuple[Array, ...]]) -> Callable[[Any, Array], tuple[Array, ...]]:
    """Replay a network's `forward` where it is on a GPU and always gives the same output for the same input.

    That is in evaluation, without samples of dropout, with the kernels (the readable code's matrix products cannot be
    captured). A network that has moved gets another graph. Threads take turns, from the input to the copied output: a
    graph has one place for either, and all threads share the branches' streams and events (streams.py).
    """

    @functools.wraps(forward)
    def call(model: Any, x: Array) -> tuple[Array, ...]:
        if device_of(model.vector) == "cpu":
            return forward(model, x)
        with ALONE:
            fixed = not model.training and not model.monte_carlo
            if not fixed or mode() != "fast" or model.vector.dtype != np.float32:
                return forward(model, x)
            replay: Replay | None = vars(model).get("replay")
            if replay is None or replay.vector is not model.vector:
                replay = model.replay = Replay(forward, model)
            return replay(model.own(x))

    return call
