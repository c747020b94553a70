"""NCCL without a GPU: a stand-in of CuPy's binding that adds up on the host and checks every call. With one: itself."""

from __future__ import annotations

import ctypes
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from rings import together

from minieqt.device import require_gpus
from minieqt.errors import UserError
from minieqt.parallel.communicator import Solo
from minieqt.parallel.launch import launch
from minieqt.parallel.nccl import Nccl

DTYPES = {7: np.float32, 8: np.float64, 6: np.float16, 4: np.int64, 1: np.uint8}
STREAM, SUM = 4711, 0


class DeviceArray:
    """What Nccl sees of a CuPy array. Its memory is the host's, which only the stand-in knows."""

    def __init__(self, values):
        self.host = np.array(values)
        self.data = SimpleNamespace(ptr=self.host.ctypes.data)
        self.size, self.dtype, self.flags = self.host.size, self.host.dtype, self.host.flags


class StandIn:
    """NcclCommunicator: every rank's calls in order must agree with the others' in kind, count, type, stream, root."""

    meetings: ClassVar[dict] = {}  # id -> what its ranks share

    def __init__(self, size, identity, rank):
        if not isinstance(identity, bytes):
            raise TypeError(f"Argument 'commId' has incorrect type (expected bytes, got {type(identity).__name__})")
        assert len(identity) == 128 and 0 <= rank < size
        self.rank, self.destroyed = rank, False
        self.all = self.meetings.setdefault(identity, SimpleNamespace(calls={}, barrier=threading.Barrier(size)))
        self.all.barrier.wait(30)

    def meet(self, pointer, target, count, dtype, stream, kind):
        assert pointer == target and stream == STREAM and not self.destroyed
        size = count * np.dtype(DTYPES[dtype]).itemsize
        mine = np.frombuffer((ctypes.c_byte * size).from_address(pointer), DTYPES[dtype])
        self.all.calls[self.rank] = (kind, count, dtype), mine
        self.all.barrier.wait(30)
        assert len({call for call, _ in self.all.calls.values()}) == 1, "ranks made different calls"
        terms = [values.copy() for _, (_, values) in sorted(self.all.calls.items())]
        self.all.barrier.wait(30)
        return mine, terms

    def allReduce(self, pointer, target, count, dtype, operation, stream):
        assert operation == SUM
        mine, terms = self.meet(pointer, target, count, dtype, stream, "sum")
        mine[...] = sum(terms[1:], terms[0])

    def broadcast(self, pointer, target, count, dtype, root, stream):
        mine, terms = self.meet(pointer, target, count, dtype, stream, ("broadcast", root))
        mine[...] = terms[root]

    def destroy(self):
        self.destroyed = True


@pytest.fixture
def nccl(monkeypatch):
    """CuPy with the stand-in for its NCCL binding."""
    binding = ModuleType("cupy.cuda.nccl")
    binding.available, binding.NCCL_SUM, binding.NcclCommunicator = True, SUM, StandIn
    for code, dtype in DTYPES.items():
        setattr(binding, f"NCCL_{np.dtype(dtype).name.upper()}", code)
    binding.get_unique_id = lambda: np.random.default_rng().bytes(128)
    cupy, cuda = ModuleType("cupy"), ModuleType("cupy.cuda")
    cupy.cuda, cuda.nccl, cuda.get_current_stream = cuda, binding, lambda: SimpleNamespace(ptr=STREAM)
    for module in (cupy, cuda, binding):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return binding


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_on_the_device(nccl, size, dtype, rng):
    terms = rng.integers(-9, 9, (size, 1001)).astype(dtype)

    def work(rank):
        ranks, array = Nccl(rank), DeviceArray(terms[rank.rank])
        ranks.all_reduce(array)
        return array.host

    for result in together(size, work):
        np.testing.assert_array_equal(result, terms.sum(axis=0))


def test_device_and_host_in_turn(nccl):
    def work(rank):
        ranks, array = Nccl(rank), DeviceArray(np.full(5, float(rank.rank)))
        for _ in range(3):
            ranks.broadcast(array, root=1)
            ranks.all_reduce(array)
            assert ranks.all_gather(rank.rank)[:, 0].tolist() == [0, 1]
        ranks.close()
        return array.host[0]

    assert together(2, work) == [8, 8]


def test_the_clock_runs_from_the_launch_of_a_graph(nccl):
    ranks = Nccl(Solo())
    ranks.timeout = 300.0
    assert ranks._watchdog._due is None
    ranks.launched()
    assert ranks._watchdog._due is not None
    ranks.all_gather(1)
    assert ranks._watchdog._due is None


def test_another_type_or_a_gap_is_refused(nccl):
    ranks = Nccl(Solo())
    with pytest.raises(ValueError, match="not complex64"):
        ranks.all_reduce(DeviceArray(np.ones(3, np.complex64)))
    array = DeviceArray(np.ones(4))
    array.flags = SimpleNamespace(c_contiguous=False)
    with pytest.raises(ValueError, match="contiguous"):
        ranks.all_reduce(array)


def test_cupy_without_nccl(nccl):
    nccl.available = False
    with pytest.raises(UserError, match="several GPUs need NCCL"):
        Nccl(Solo())


def test_the_binding_takes_and_gives_what_the_stand_in_does(nccl, monkeypatch):
    """Since CuPy 14 an id is `bytes`. CuPy's own binding says so where it is installed with NCCL; no GPU is needed."""
    assert isinstance(nccl.get_unique_id(), bytes) and len(nccl.get_unique_id()) == 128
    with pytest.raises(TypeError, match="expected bytes, got tuple"):
        nccl.NcclCommunicator(1, tuple(nccl.get_unique_id()), 0)
    monkeypatch.undo()
    real = pytest.importorskip("cupy.cuda.nccl", reason="the stand-in is compared with CuPy's binding, which is absent")
    if not real.available:
        pytest.skip("CuPy finds no NCCL")
    assert isinstance(real.get_unique_id(), bytes) and len(real.get_unique_id()) == 128
    with pytest.raises(TypeError, match="expected bytes, got tuple"):
        real.NcclCommunicator(1, tuple(real.get_unique_id()), 0)
    codes = {f"NCCL_{np.dtype(dtype).name.upper()}": code for code, dtype in DTYPES.items()} | {"NCCL_SUM": SUM}
    assert codes == {name: getattr(real, name) for name in codes}


# -- the binding itself ------------------------------------------------------------------------------------------------

PROGRAM = """
import os, sys
sys.path.insert(0, {root!r})
from minieqt.parallel.join import join

host = join()
os.environ["CUDA_VISIBLE_DEVICES"] = str(host.rank)
import cupy
from minieqt.parallel.nccl import Nccl

ranks = Nccl(host)
ranks.timeout = 60
for dtype in ("float32", "float64"):
    array = cupy.full(371_639, host.rank + 1, dtype)
    ranks.all_reduce(array)
    assert (array == host.size * (host.size + 1) // 2).all()
    array += host.rank
    ranks.broadcast(array, root=host.size - 1)
    assert (array == host.size * (host.size + 1) // 2 + host.size - 1).all()
    assert ranks.all_gather(host.rank)[:, 0].tolist() == list(range(host.size))
ranks.close()
"""


@pytest.mark.gpu
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_on_gpus(ranks, tmp_path, monkeypatch):
    """One rank on one GPU, several where there are so many."""
    try:
        require_gpus(ranks)
    except UserError as error:
        pytest.skip(str(error))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    program = tmp_path / "rank.py"
    program.write_text(PROGRAM.format(root=str(Path(__file__).resolve().parents[2])))
    assert launch([sys.executable, str(program)], ranks, "program") == 0
