"""CUDA's streams and graphs without a GPU, for cupy_stand_in: what is launched in which order, what a capture refuses.

A capture notes what is launched, and leaves no trace in any array; what may not happen during one raises RuntimeError.
A graph does it all again in the most contrary order that the events between its streams allow.
"""

from __future__ import annotations

import threading
import weakref


class Graph:
    """What was launched during a capture, and what each operation has to wait for."""

    capturing: Graph | None = None
    alive: dict[int, weakref.ref] = {}  # noqa: RUF012 - the memory of every array there is

    def __init__(self):
        self.operations, self.replays = [], 0  # (what it does, the numbers of those that must have been done before)
        self.thread = threading.get_ident()
        self.before = {}
        for memory in (reference() for reference in Graph.alive.values()):
            if memory is not None:
                self.before[id(memory)] = memory, memory.copy()

    @staticmethod
    def do(operation):
        """An operation of the device: done, and noted where a capture is on."""
        if Graph.here():
            operations, stream = Graph.capturing.operations, Stream.current()
            operations.append((operation, stream.follows))
            stream.follows = {len(operations) - 1}
        operation()

    @staticmethod
    def here():
        """Whether this thread is in a capture: what others launch does not join it (relaxed, as CuPy begins one)."""
        return Graph.capturing is not None and Graph.capturing.thread == threading.get_ident()

    @staticmethod
    def refuse(what):
        if Graph.here():
            raise RuntimeError(f"cudaErrorStreamCaptureUnsupported: {what} during a capture")

    def end(self):
        """As it was before the capture: a real one computes nothing."""
        for memory, contents in self.before.values():
            memory[...] = contents
        self.before = {}

    def launch(self, stream=None):
        """Do it all again, of what may be done next always the last: streams do not wait for each other unasked."""
        self.replays += 1
        waiting, done = dict(enumerate(self.operations)), set()
        while waiting:
            number = next(number for number in reversed(waiting) if waiting[number][1] <= done)
            waiting.pop(number)[0]()
            done.add(number)


class Place:
    """`follows`: the operations of the capture that is on, behind which a place is; none of an earlier capture."""

    noted: tuple[Graph | None, set] = None, set()

    @property
    def follows(self):
        graph, numbers = self.noted
        return numbers if graph is Graph.capturing else set()

    @follows.setter
    def follows(self, numbers):
        self.noted = Graph.capturing, numbers


class Event(Place):
    """A place in a stream: outside of a capture everything has happened already."""

    def __init__(self, disable_timing=False):
        pass

    def record(self, stream=None):
        self.follows = (stream or Stream.current()).follows

    def synchronize(self):
        Graph.refuse("waiting")


class Entered(threading.local):
    """A thread's with statements: each has a current stream of its own."""

    def __init__(self):
        self.streams: list[Stream] = []


class Stream(Place):
    """One stream, at the place that it has come to; `non_blocking` as a capture wants it."""

    entered = Entered()

    def __init__(self, non_blocking=False):
        self.non_blocking = non_blocking

    @staticmethod
    def current():
        return Stream.entered.streams[-1] if Stream.entered.streams else DEFAULT_STREAM

    def __enter__(self):
        Stream.entered.streams.append(self)
        return self

    def __exit__(self, *_):
        Stream.entered.streams.pop()

    def begin_capture(self):
        if not self.non_blocking:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        Graph.capturing = Graph()

    def end_capture(self):
        awaited = self.follows.union(*(follows for _, follows in Graph.capturing.operations))
        graph, Graph.capturing = Graph.capturing, None
        graph.end()
        if len(awaited) < len(graph.operations):
            raise RuntimeError("cudaErrorStreamCaptureUnjoined: nothing waits for what another stream does")
        return graph

    def is_capturing(self):
        return Graph.here()

    def wait_event(self, event):
        self.follows = self.follows | event.follows

    def synchronize(self):
        Graph.refuse("waiting")


DEFAULT_STREAM = Stream()
