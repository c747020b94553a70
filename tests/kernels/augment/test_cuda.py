"""The CUDA kernels in Numba's simulator, in a process of its own: it must be chosen before Numba is imported."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

WHOLE = [0, 1, 2, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 21, 23]  # columns of a plan that must be exact
ROOT = Path(__file__).resolve().parents[3]


def make(machine, threads):
    """Plans, windows and labels of eight small cases, by the kernels of one machine: {name: array}."""
    from kernels.augment.draw import COLUMNS

    rng = np.random.default_rng(4)
    count = 8
    p = np.array([700.25, 3000.5, np.nan, 512.0, 812.75, np.nan, 900.5, 0])
    s, coda = p + np.array([400.5, 800, 0, 35, 333.3, 0, 100.25, 1200]), p + 1500
    s[6], p[7] = np.nan, np.nan
    raw = rng.standard_normal((3, 3, 6000)).astype(np.float32) + np.float32(100)
    raw[1, 0] = 3  # a dead component
    raw[0, :, 700:750] += 60 * rng.standard_normal((3, 50)).astype(np.float32)  # bursts, which are seen
    raw[0, :, 1100:1150] += 60 * rng.standard_normal((3, 50)).astype(np.float32)
    raw[2, 1:, 512:560] += 60 * rng.standard_normal((2, 48)).astype(np.float32)
    rows, copies = np.array([7, 8, 9, 2**32 - 1, 11, 12, 13, 14]), np.array([1, 0, 1, 1, 1, 1, 1, 1])
    source, loud = np.array([0, 1, 2, 0, 1, 2, 1, 2]), np.array([True, True, False, True, True, False, True, False])
    arrival = np.array([700, 3000, -1, 512, 812, -1, 900, 1200])
    noise = np.array([1, 2, 0, 2, 0, -1, 2, 0])
    q, r, other_end = np.roll(p, -1), np.roll(s, -1), np.roll(coda, -1)
    rates = np.array([1, 1, 1, 0.7, 0.5, 0.9, 0.9, 0.97, 0.5, 0.7, 0.9, 0.5, 0.5])
    counter = np.uint64(5), np.full(count, 6)
    plans = np.zeros((count, COLUMNS))
    x, labels = np.empty((count, 3, 6000), np.float32), np.empty((count, 3, 6000), np.float32)
    machine.draw_plans(*counter, rows, copies, p, s, coda, q, r, other_end, loud, rates, plans, **threads)
    machine.make_windows(*counter, rows, copies, arrival, plans, raw, source, noise, x, **threads)
    machine.make_labels(p, s, coda, plans, 0, labels, **threads)
    return {"plans": plans, "x": x, "labels": labels}


def check(results):
    from kernels.augment import cpu

    expected = make(cpu, {})
    np.testing.assert_array_equal(results["plans"][:, WHOLE], expected["plans"][:, WHOLE])
    np.testing.assert_allclose(results["plans"], expected["plans"], rtol=1e-14)
    np.testing.assert_allclose(results["x"], expected["x"], atol=2e-5)
    np.testing.assert_allclose(results["labels"], expected["labels"], atol=1e-6)
    assert (expected["plans"][:, 1] > 0).any() and (expected["plans"][:, 11:] > 0).any()  # it all happened
    assert (expected["plans"][:, 16] > 1).any() and (expected["plans"][:, 16] < 1).any()
    assert (expected["plans"][:, 20] > 0).any() and (expected["plans"][:, 21] < 0).any()
    assert (expected["plans"][:, 3:6] > 0).any() and (expected["plans"][:, 6:9] == 0).any()


def test_in_the_simulator(tmp_path):
    path = tmp_path / "simulated.npz"
    code = (
        "import sys; sys.path.insert(0, 'tests/kernels/augment')\n"
        "import numpy as np, test_cuda\n"
        "from kernels.augment import cuda\n"
        f"np.savez({str(path)!r}, **test_cuda.make(cuda, {{'threads': 8}}))\n"
    )
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    check(np.load(path))


class OnStream:
    """An array of a GPU, as CuPy shows it: with the stream that it is used on."""

    def __init__(self, stream):
        self.__cuda_array_interface__ = {"shape": (1,), "stream": stream}


def test_kernels_join_the_stream_of_their_arrays(monkeypatch):
    """And nobody waits: a capture does not survive it."""
    from kernels.augment import cuda as machine

    started = []

    class Kernel:
        def __getitem__(self, configuration):
            return lambda *arguments: started.append((configuration, arguments))

    driver = SimpleNamespace(
        external_stream=lambda pointer: f"stream {pointer}",
        as_cuda_array=lambda array, sync=True: ("waited for" if sync else "seen", array),
    )
    monkeypatch.setattr(machine, "cuda", driver)
    array, facts = OnStream(4711), OnStream(4711)
    machine.launch(Kernel(), 3, 256, np.uint64(5), array, 2, facts)
    machine.launch(Kernel(), 0, 256, array)  # a grid of nothing
    assert started == [((3, 256, "stream 4711"), (np.uint64(5), ("seen", array), 2, ("seen", facts)))]


COMPILED = """
from types import SimpleNamespace
from numba import cuda, types as t
import numba.cuda.dispatcher as dispatcher
dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=(8, 0))  # asked for device functions only
from kernels.augment import cuda as machine
words, whole, real, single = (t.Array(t.int64, 1, "C"), t.int64, t.Array(t.float64, 1, "C"), t.Array(t.float32, 3, "C"))
plans, half = t.Array(t.float64, 2, "C"), t.Array(t.float16, 3, "C")
kernels = {
    machine._draw_plans: (t.uint64, words, words, words, real, real, real, real, real, real, words, real, plans),
    machine._make_labels: (real, real, real, plans, whole, single),
}
for kernel, signature in kernels.items():
    cuda.compile(kernel.py_func, signature, cc=(8, 0))
for raw in (single, half):
    signature = t.uint64, words, words, words, words, plans, raw, words, words, single
    cuda.compile(machine._make_windows.py_func, signature, cc=(8, 0))
print("compiled")
"""


def test_they_compile_for_a_gpu():
    """By numba-cuda and NVIDIA's libNVVM, to PTX; neither needs a GPU."""
    for package in ("numba-cuda", "nvidia-nvvm"):
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{package} is not installed")
    run = subprocess.run([sys.executable, "-c", COMPILED], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout == "compiled\n", run.stderr[-3000:]


@pytest.mark.gpu
def test_on_a_gpu():
    cupy = pytest.importorskip("cupy", reason="CuPy is absent")
    from numba import cuda as driver

    if not driver.is_available():
        pytest.skip("no CUDA device")
    from kernels.augment import cuda

    class OnDevice:
        """Arrays go over and come back."""

        def __getattr__(self, name):
            def call(*arguments, **options):
                moved = [cupy.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
                getattr(cuda, name)(*moved, **options)
                for ours, theirs in zip(arguments, moved, strict=True):
                    if isinstance(ours, np.ndarray):
                        ours[...] = theirs.get()

            return call

    check(make(OnDevice(), {"threads": 256}))


def test_the_same_names_and_arguments():
    from kernels.augment import cpu

    text = (ROOT / "kernels/augment/cuda.py").read_text()
    for name in ("draw_plans", "make_windows", "make_labels"):
        function = getattr(cpu, name).py_func
        arguments = ", ".join(list(inspect.signature(function).parameters))
        there = text[text.index(f"def {name}(") :]
        there = there[: there.index(") ->")]
        names = [part.split(":")[0].strip() for part in there.partition("(")[2].split(",") if part.strip()]
        assert ", ".join(names) == arguments + ", threads"


@pytest.mark.skipif(bool(os.environ.get("NUMBA_ENABLE_CUDASIM")), reason="the simulator warns of nothing")
def test_a_small_batch_is_no_news():
    """numba-cuda's warning of few blocks is about a beginner's grid, not about an epoch's last batch."""
    from numba import config

    import kernels.augment.cuda  # noqa: F401

    assert config.CUDA_LOW_OCCUPANCY_WARNINGS == 0
