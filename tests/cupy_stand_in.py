"""CuPy's manners without a GPU: arrays that are not NumPy's, will not mix with them, nor turn into them unasked.

`install(monkeypatch)` puts a module in CuPy's place. Its arrays hold a NumPy array and let nobody see it but by `get`;
what a real GPU would refuse raises here what it raises there (test_cupy_stand_in.py). Kernels (RawModule) run on the
host build. Streams and graphs are streams_stand_in.py's.
"""

from __future__ import annotations

import sys
import weakref
from contextlib import nullcontext
from functools import partial
from types import ModuleType, SimpleNamespace

import numpy as np
from streams_stand_in import Event, Graph, Stream

from kernels.cuda import on_host


class ndarray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array on the pretended device."""

    def __init__(self, array):
        self.held = array
        memory = array if array.base is None else array.base
        if isinstance(memory, np.ndarray):
            Graph.alive[id(memory)] = weakref.ref(memory)

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
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
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
        """Copy from the host, in place: an array of the same shape and type."""
        Graph.refuse("a copy from the host")
        if not isinstance(array, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if array.dtype != self.dtype:
            raise TypeError(f"{array.dtype} array cannot be set to {self.dtype} array")
        if array.shape != self.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {array.shape}")
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


class RawModule:
    """A .cu file, by its text; `get_function` gives its kernels on the host build."""

    def __init__(self, *, code, options=()):
        if not isinstance(options, tuple):
            raise TypeError(f"Argument 'options' has incorrect type (expected tuple, got {type(options).__name__})")
        sources = {path.read_text(encoding="utf-8"): path.name for path in on_host.FOLDER.glob("*.cu")}
        self.source = sources[code]  # the host build goes by names
        self.products = next((int(word[-1]) for word in options if word.startswith("-DTF32=")), 0)

    def compile(self):
        on_host.library(self.source, self.products)

    def get_function(self, kernel):
        def start(grid, block, arguments, shared_mem=0):
            null = [None if isinstance(a, np.uintp) else opened(a) for a in arguments]
            Graph.do(lambda: on_host.run(self.source, kernel, grid, block, tuple(null), shared_mem, self.products))

        return start


class Device:
    """One GPU. Current in its `with`, as far as anybody could tell here."""

    def __init__(self, device=0, capability="75"):
        self.id, self.compute_capability = device, capability

    def use(self):
        pass

    def synchronize(self):
        Graph.refuse("waiting")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Memory:
    """A piece of device memory, given back when nobody holds it any more."""

    def __init__(self, size):
        self.size = size


class MemoryPool:
    """Pieces of memory, kept when they are free, until `free_all_blocks`, or until there is too little."""

    def __init__(self, allocator=lambda size: SimpleNamespace(mem=Memory(size))):
        self.allocator, self.free = allocator, []

    def malloc(self, size):
        memory = next((piece for piece in self.free if piece.size >= size), None)
        if memory is None:
            return self.allocator(size)
        self.free.remove(memory)
        return SimpleNamespace(mem=memory)

    def free_all_blocks(self, stream=None):
        self.free.clear()


class CupyStandIn(ModuleType):
    """NumPy's functions by CuPy's names."""

    ndarray = ndarray
    RawModule = RawModule
    __version__ = "14.0.1"

    def __init__(self, devices=1, driver=13000, runtime=13000, capability="75"):
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
            Device=partial(Device, capability=capability),
            alloc_pinned_memory=bytearray,
            Memory=Memory,
            MemoryPointer=lambda memory, offset: SimpleNamespace(mem=memory),
            MemoryPool=MemoryPool,
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

    def copyto(self, destination, source):
        if isinstance(source, np.ndarray) and source.ndim:
            raise ValueError("non-scalar numpy.ndarray cannot be used for copyto")
        destination[...] = source

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
