"""The CUDA kernels in Numba's simulator, in a process of its own: it must be chosen before Numba is imported."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]


def make(machine, threads):
    """Plans, windows and labels of six small cases, by the kernels of one machine: {name: array}."""
    rng = np.random.default_rng(4)
    count = 6
    p = np.array([700.25, 3000.5, np.nan, 512.0, 812.75, np.nan])
    s, coda = p + np.array([400.5, 800, 0, 35, 333.3, 0]), p + 1500
    raw = rng.standard_normal((3, 3, 6000)).astype(np.float32) + np.float32(100)
    raw[1, 0] = 3  # a dead component
    rows, copies = np.array([7, 8, 9, 2**32 - 1, 11, 12]), np.array([1, 0, 1, 1, 1, 1])
    source, loud = np.array([0, 1, 2, 0, 1, 2]), np.array([True, True, False, True, True, False])
    rates = np.array([1, 1, 1, 0.7, 0.5, 0.9, 0.9, 0.97])
    counter = np.uint64(5), np.full(count, 6)
    plans = np.zeros((count, 13))
    x, labels = np.empty((count, 3, 6000), np.float32), np.empty((count, 3, 6000), np.float32)
    machine.draw_plans(*counter, rows, copies, p, s, coda, loud, rates, plans, **threads)
    machine.make_windows(*counter, rows, copies, p, plans, raw, source, x, **threads)
    machine.make_labels(p, s, plans, 0, labels, **threads)
    return {"plans": plans, "x": x, "labels": labels}


def check(results):
    from kernels.augment import cpu

    expected = make(cpu, {})
    np.testing.assert_array_equal(results["plans"][:, [0, 1, 2, 6, 7, 8, 11, 12]],
                                  expected["plans"][:, [0, 1, 2, 6, 7, 8, 11, 12]])  # fmt: skip
    np.testing.assert_allclose(results["plans"], expected["plans"], rtol=1e-14)
    np.testing.assert_allclose(results["x"], expected["x"], atol=2e-5)
    np.testing.assert_allclose(results["labels"], expected["labels"], atol=1e-6)
    assert (expected["plans"][:, 1] > 0).any() and (expected["plans"][:, 11:] > 0).any()  # it all happened
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
