"""CuPy's manners without a GPU: arrays that are not NumPy's, will not mix with them, nor turn into them unasked.

`install(monkeypatch)` puts a module in CuPy's place. Its arrays hold a NumPy array and let nobody see it but by `get`;
what a real GPU would refuse raises TypeError here. Kernels (RawModule) run on the host build. A capture notes what is
launched, and leaves no trace in any array; what may not happen during one raises RuntimeError.
"""

from __future__ import annotations

import sys
import weakref
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace

import numpy as np

from kernels.cuda import on_host


class ndarray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array on the pretended device."""

    alive: dict[int, weakref.ref] = {}  # noqa: RUF012 - the memory of every array there is

    def __init__(self, array):
        self.held = array
        memory = array if array.base is None else array.base
        if isinstance(memory, np.ndarray):
            ndarray.alive[id(memory)] = weakref.ref(memory)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        kept = {} if out is None else {"out": tuple(opened(o) for o in out)}
        result = function_on_device(getattr(ufunc, method))(*inputs, **kept, **options)
        return out[0] if out is not None else result

    def __array_function__(self, function, types, args, options):
        return function_on_device(function)(*args, **options)

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __getattr__(self, name):
        if name.startswith("__"):  # NumPy would find its way to the memory
            raise AttributeError(name)
        value = getattr(self.held, name)
        return function_on_device(value) if callable(value) else closed(value)

    def __getitem__(self, index):
        if not isinstance(index, tuple):
            index = (index,)
        if all(item is not Ellipsis for item in index):
            index = (*index, ...)  # one number is still a piece of the array
        return function_on_device(lambda: self.held[opened(index)])()

    def __setitem__(self, index, value):
        if not isinstance(value, ndarray) and np.ndim(value):
            refuse_numpy(value)
        Graph.do(lambda: self.held.__setitem__(opened(index), opened(value)))

    def __len__(self):
        return len(self.held)

    def __iter__(self):
        return iter(closed(row) for row in self.held)

    def __float__(self):
        return float(self.get())

    def __int__(self):
        return int(self.get())

    def __bool__(self):
        return bool(self.get())

    def get(self):
        """Wait for the device and copy."""
        Graph.refuse("a copy to the host")
        return self.held.copy()

    def set(self, array, stream=None):
        """Copy from the host, in place."""
        Graph.refuse("a copy from the host")
        self.held[...] = array


def closed(value):
    """NumPy's arrays and numbers, as they come out of the device."""
    if isinstance(value, tuple):
        return tuple(closed(item) for item in value)
    return ndarray(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value


def opened(value):
    """What the device sees of its own arrays."""
    if isinstance(value, tuple | list):
        return type(value)(opened(item) for item in value)
    if isinstance(value, dict):
        return {name: opened(item) for name, item in value.items()}
    return value.held if isinstance(value, ndarray) else value


def refuse_numpy(value):
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")


def function_on_device(function):
    """NumPy's function, on the device's arrays only."""

    def call(*args, **options):
        for argument in (*args, *options.values()):
            for item in argument if isinstance(argument, tuple | list) else (argument,):
                if "out" not in options:
                    refuse_numpy(item)
        result = []

        def operation():
            value = function(*opened(args), **opened(options))
            if isinstance(value, np.generic):
                value = np.asarray(value)
            if result and isinstance(value, np.ndarray):
                result[0][...] = value  # a replay writes where the capture wrote
            result.append(value)

        Graph.do(operation)
        return closed(result[0])

    return call


class Graph:
    """What was launched during a capture, and what each operation has to wait for."""

    capturing: Graph | None = None

    def __init__(self):
        self.operations, self.replays = [], 0  # (what it does, the numbers of those that must have been done before)
        self.before = {}
        for memory in (reference() for reference in ndarray.alive.values()):
            if memory is not None:
                self.before[id(memory)] = memory, memory.copy()

    @staticmethod
    def do(operation):
        """An operation of the device: done, and noted where a capture is on."""
        if Graph.capturing is not None:
            operations, stream = Graph.capturing.operations, Stream.current()
            operations.append((operation, stream.follows))
            stream.follows = {len(operations) - 1}
        operation()

    @staticmethod
    def refuse(what):
        if Graph.capturing is not None:
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


class Stream(Place):
    """One stream, at the place that it has come to; `non_blocking` as a capture wants it."""

    entered: list[Stream] = []  # noqa: RUF012 - the stack of with statements

    def __init__(self, non_blocking=False):
        self.non_blocking = non_blocking

    @staticmethod
    def current():
        return Stream.entered[-1] if Stream.entered else DEFAULT_STREAM

    def __enter__(self):
        Stream.entered.append(self)
        return self

    def __exit__(self, *_):
        Stream.entered.pop()

    def begin_capture(self):
        if not self.non_blocking:
            raise RuntimeError("cudaErrorStreamCaptureUnsupported: the default stream")
        Graph.capturing = Graph()

    def end_capture(self):
        awaited = self.follows.union(*(follows for _, follows in Graph.capturing.operations))
        graph, Graph.capturing = Graph.capturing, None
        graph.end()
        if len(awaited) < len(graph.operations):
            raise RuntimeError("cudaErrorStreamCaptureUnjoined: nothing waits for what another stream does")
        return graph

    def is_capturing(self):
        return Graph.capturing is not None

    def wait_event(self, event):
        self.follows = self.follows | event.follows

    def synchronize(self):
        Graph.refuse("waiting")


DEFAULT_STREAM = Stream()


class RawModule:
    """A .cu file, by its text; `get_function` gives its kernels on the host build."""

    def __init__(self, code, options):
        sources = {path.read_text(encoding="utf-8"): path.name for path in on_host.FOLDER.glob("*.cu")}
        self.source = sources[code]  # the host build goes by names
        self.tensor_cores = "-DTF32" in options

    def compile(self):
        on_host.library(self.source, self.tensor_cores)

    def get_function(self, kernel):
        def start(grid, block, arguments, shared_mem=0):
            null = [None if isinstance(a, np.uintp) else opened(a) for a in arguments]
            Graph.do(lambda: on_host.run(self.source, kernel, grid, block, tuple(null), shared_mem, self.tensor_cores))

        return start


class CupyStandIn(ModuleType):
    """NumPy's functions by CuPy's names."""

    ndarray = ndarray
    RawModule = RawModule
    __version__ = "14.0.0"

    def __init__(self, devices=1, driver=13000, runtime=13000):
        super().__init__("cupy")
        error = type("CUDARuntimeError", (RuntimeError,), {})

        def device_count():
            if driver < runtime:
                raise error("cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version")
            if devices == 0:
                raise error("cudaErrorNoDevice: no CUDA-capable device is detected")
            return devices

        self.cuda = SimpleNamespace(
            Stream=Stream,
            Event=Event,
            get_current_stream=Stream.current,
            Device=lambda number=0: SimpleNamespace(
                id=number, use=lambda: None, synchronize=lambda: Graph.refuse("waiting")
            ),
            alloc_pinned_memory=bytearray,
            MemoryPool=lambda: SimpleNamespace(malloc=None),
            using_allocator=lambda allocator: nullcontext(),
            get_elapsed_time=lambda begin, end: 0.5,
            runtime=SimpleNamespace(
                deviceSynchronize=lambda: Graph.refuse("waiting"),
                getDeviceProperties=lambda number: {"name": b"stand-in"},
                memGetInfo=lambda: (3 * 2**30, 4 * 2**30),
                CUDARuntimeError=error,
                getDeviceCount=device_count,
                driverGetVersion=lambda: driver,
                runtimeGetVersion=lambda: runtime,
            ),
        )

    def asarray(self, value, dtype=None):
        if isinstance(value, ndarray):
            return function_on_device(np.asarray)(value, dtype)
        Graph.refuse("a copy from the host")
        return ndarray(np.array(value, dtype))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(np, name)
        return function_on_device(value) if callable(value) and not isinstance(value, type) else value


def assert_replays(graphs, times):
    """That graphs were launched so many times in all; a real GPU's keep no count, but then there are some."""
    if all(isinstance(graph, Graph) for graph in graphs):
        assert sum(graph.replays for graph in graphs) == times
    else:
        assert times > 0


def install(monkeypatch, **machine):
    """Put the stand-in in CuPy's place until the test is over; returns it."""
    stand_in = CupyStandIn(**machine)
    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    return stand_in
