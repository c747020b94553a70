"""The seam: modes, how a twin is found, and who answers a call."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import kernels.cpu
from minieqt import backend
from minieqt.kernels import kernel_module

TOY = """
def double(x, n=2):
    return ("twin", n)
"""


@pytest.fixture
def double(tmp_path, monkeypatch):
    """An accelerated function whose twin stands in a file kernels/cpu/toy.py."""
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(kernels.cpu, "__path__", [*kernels.cpu.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "kernels.cpu.toy", raising=False)

    def double(x, n=2):
        """Twice x."""
        return ("definition", n)

    double.__module__ = "minieqt.layers.toy"
    with backend.using("fast"):
        yield backend.accelerated(double)
    sys.modules.pop("kernels.cpu.toy", None)


def test_modes():
    with backend.using("fast"):
        assert backend.mode() == "fast"
        with pytest.raises(RuntimeError), backend.using("readable"):
            assert backend.mode() == "readable"
            raise RuntimeError
        assert backend.mode() == "fast"
        backend.use("readable")
        assert backend.mode() == "readable"


def test_unknown_mode():
    before = backend.mode()
    with pytest.raises(ValueError, match="mode must be one of"):
        backend.use("quick")
    assert backend.mode() == before


@pytest.mark.parametrize("setting, expected", [("off", "readable"), ("0", "readable"), ("on", "fast"), (None, "fast")])
def test_the_environment_chooses_the_first_mode(setting, expected):
    environment = {name: value for name, value in os.environ.items() if name != "MINIEQT_KERNELS"}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path)} | ({"MINIEQT_KERNELS": setting} if setting else {})
    program = "from minieqt import backend; print(backend.mode())"
    output = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    assert output.stdout.decode().strip() == expected


def test_arrays_of_numpy():
    assert backend.array_module(np.zeros(3)) is np
    assert backend.device_of(np.zeros(3)) == "cpu"


def test_float32_takes_the_twin(double):
    x = np.zeros(3, np.float32)
    assert double(x) == ("twin", 2)
    assert double(x, 3) == double(x, n=3) == ("twin", 3)


def test_float64_takes_the_definition(double):
    assert double(np.zeros(3)) == ("definition", 2)
    assert double(np.zeros(3), n=3) == ("definition", 3)


def test_the_readable_mode_takes_the_definition(double):
    with backend.using("readable"):
        assert double(np.zeros(3, np.float32)) == ("definition", 2)


def test_no_file_or_no_name_no_twin(double):
    def triple(x):
        return "definition"

    for module in ("minieqt.layers.toy", "minieqt.layers.nowhere"):
        triple.__module__ = module
        assert backend.twin(triple, "cpu") is None
        assert backend.accelerated(triple)(np.zeros(3, np.float32)) == "definition"


def test_an_accelerated_function_keeps_its_face(double):
    assert double.__name__ == "double" and double.__doc__ == "Twice x."
    assert double.definition(np.zeros(3, np.float32)) == ("definition", 2)


def test_options_reach_the_twins():
    launch = kernel_module("cuda.launch")
    x = np.empty(0, np.float32)
    assert launch.products(x) == 0
    backend.options(tf32=True)
    assert launch.products(x) == 1
    backend.options(tf32=False)
    assert launch.products(x) == 0
