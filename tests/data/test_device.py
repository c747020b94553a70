"""The data set on a GPU: in Numba's simulator the same windows as from files; where there is no room, one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cupy_stand_in
import numpy as np
import pytest
from cupy_stand_in import Graph, opened

from kernels.augment import cpu
from minieqt.adam import Adam
from minieqt.data import Augmentation, Loader, open_dataset
from minieqt.data.device import ROOM, DeviceLoader, OnDevice
from minieqt.data.in_memory import compact
from minieqt.errors import UserError
from minieqt.philox import Randomness
from minieqt.training.graph_step import GraphStep

ROOT = Path(__file__).resolve().parents[2]
ROWS = np.array([0, 3, 30, 35])  # two earthquakes and two noise windows
OPTIONS = {"batch_size": 4, "seed": 5, "augmentation": Augmentation(gap=0.8, pre_emphasis=0.97, real_noise=1)}

SIMULATED = """
import sys, numpy as np
from minieqt.data import Augmentation, open_dataset
from minieqt.data.device import ROOM, DeviceLoader, OnDevice
sys.path[:0] = ["tests/data", "tests"]
from test_device import OPTIONS, ROWS, simulate, stand_in
simulate()
dataset = open_dataset(*sys.argv[1:3])
found = {}
for kind, bytes_each in (("float32", 4), ("float16", 2)):
    resident = OnDevice(dataset, ROWS, stand_in(), ROOM + len(ROWS) * 18000 * bytes_each)
    assert resident.samples.dtype == kind
    for batch in DeviceLoader(resident, dataset, ROWS, **OPTIONS).epoch(1):
        found |= {f"{kind} x {batch.number}": batch.x, f"{kind} labels {batch.number}": batch.labels}
np.savez(sys.argv[3], **found)
"""


def simulate():
    """Blocks of eight threads: the simulator's are true threads."""
    import kernels.augment.cuda as machine

    machine.THREADS = 8
    for name in ("draw_plans", "make_windows", "make_labels"):
        getattr(machine, name).__defaults__ = (8,)


def stand_in():
    """In CuPy's place: NumPy, under another name, so that it is not taken for the processor's own."""

    class Simulated:
        asarray, empty = staticmethod(np.asarray), staticmethod(np.empty)

    return Simulated()


def in_the_simulator(*arguments):
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    command = [sys.executable, *map(str, arguments)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_same_key_same_window_on_every_path(synthetic_files):
    in_the_simulator("tests/data/every_path.py", *synthetic_files)


def test_the_same_windows_as_from_files(synthetic_files, tmp_path):
    in_the_simulator("-c", SIMULATED, *synthetic_files, tmp_path / "found.npz")
    found = np.load(tmp_path / "found.npz")
    with open_dataset(*synthetic_files) as dataset:
        batches = list(Loader(dataset, ROWS, **OPTIONS).epoch(1))
        assert len(batches) == 2
        for batch in batches:
            for kind, tolerance in (("float32", 2e-5), ("float16", 0.02)):
                np.testing.assert_allclose(found[f"{kind} x {batch.number}"], batch.x, atol=tolerance)
                np.testing.assert_allclose(found[f"{kind} labels {batch.number}"], batch.labels, atol=1e-6)


def on_the_pretended_gpu(function):
    """A kernel of the processor in its CUDA twin's place: it joins the queue, and refuses arrays of the host."""

    def launch(*arguments):
        assert not any(isinstance(a, np.ndarray) for a in arguments)
        Graph.do(lambda: function(*opened(arguments)))

    return launch


class Recorder:
    """What GraphStep needs of a network: it keeps the windows that it was shown, where it was shown them."""

    def __init__(self, xp):
        self.vector, self.gradient, self.statistics_vector = (xp.zeros(1, np.float32) for _ in range(3))
        self.randomness, self.length = Randomness(0), 6000
        self.x, self.labels = (xp.zeros((4, 3, 6000), np.float32) for _ in range(2))

    def loss_on_device(self, x, labels):
        self.x[...], self.labels[...] = x, labels
        return x.sum()

    def backward(self, windows, need_dx):
        pass

    def zero_gradients(self):
        self.gradient[...] = 0

    def penalty_vectors(self, xp):
        return xp.zeros(1, np.float32), xp.zeros(1, np.float32)


def test_windows_are_made_in_a_captured_step(dataset, monkeypatch):
    """At every replay those of its own traces and epoch, as the loader of the processor makes them."""
    machine = ModuleType("kernels.augment.cuda")
    for name in ("draw_plans", "make_windows", "make_labels"):
        setattr(machine, name, on_the_pretended_gpu(getattr(cpu, name)))
    monkeypatch.setitem(sys.modules, "kernels.augment.cuda", machine)
    cupy = cupy_stand_in.install(monkeypatch)
    rows = np.concatenate([np.arange(4), np.flatnonzero(~dataset.table.earthquake)[:2]])  # and noise to add
    resident = OnDevice(dataset, rows, cupy, ROOM + len(rows) * 18000 * 4)
    on_device, on_host = DeviceLoader(resident, dataset, rows, **OPTIONS), Loader(dataset, rows, **OPTIONS)
    network = Recorder(cupy)
    step = GraphStep(network, Adam(network))
    for epoch in range(3):
        for batch, right in zip(on_device.epoch(epoch), on_host.epoch(epoch), strict=True):
            assert [array.nbytes for array in batch.inputs] == [13 * 8 * 4]  # all that goes over
            step(batch)
            for found in (network.x, batch.x):
                np.testing.assert_allclose(found.get(), right.x, atol=2e-5)
            for found in (network.labels, batch.labels):
                np.testing.assert_array_equal(found.get(), right.labels)
    assert step.graphs[True].replays == 7


def test_traces_are_kept_in_the_order_of_their_rows(write):
    bad = np.full((6000, 3), np.nan)
    with open_dataset(*write({"A_EV": {}, "B_EV": {}, "C_NO": {"samples": bad}, "D_NO": {}})) as dataset:
        resident = OnDevice(dataset, np.array([3, 2, 0]), stand_in(), 10 * ROOM)
        assert resident.place.tolist() == [0, -1, 1, 2] and list(resident.bad) == [2]
        np.testing.assert_array_equal(resident.samples[2], dataset.read(3))
        small = OnDevice(dataset, np.array([3]), stand_in(), ROOM + 2 * 18000)
        np.testing.assert_array_equal(small.samples[0], compact(dataset.read(3)[None], together=True)[0][0])


def test_no_room(dataset):
    with pytest.raises(UserError, match=r"40 traces take 0.0 GB as float16 .* has 8.6 GB free; take --cache ram"):
        OnDevice(dataset, np.arange(40), stand_in(), ROOM + 2 * 40 * 18000 - 1)
