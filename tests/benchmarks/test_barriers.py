"""Which barriers there are, and that one which is taken out is missed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import barriers
import pytest

from kernels.cuda import on_host
from kernels.cuda.sources import FOLDER

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "barriers.py"


def test_all_are_found(tmp_path):
    path = tmp_path / "some.cu"
    path.write_text("// __syncthreads\n__syncthreads();\nx = 1; __syncwarp();\n")
    assert barriers.barriers(path) == [("some.cu", 17, 33, 2), ("some.cu", 41, 54, 3)]


def test_headers_of_headers():
    assert barriers.included(FOLDER / "conv1d.cu") >= {"weights.cuh", "correlate.cuh", "shared.cuh"}
    assert barriers.included(FOLDER / "shared.cuh") == set()


@pytest.mark.skipif(not on_host.available(), reason="CUDA kernels are compiled for the host by g++")
def test_one_is_missed():
    (barrier,) = barriers.barriers(FOLDER / "adam.cu")
    assert barriers.without(barrier, ["adam_step"]).startswith(
        "a race in shared memory, byte 0: thread 0 of block 0 wrote"
    )
    assert barriers.without(barrier, ["dropout_mask"]) == "nothing"


def test_no_such_file():
    done = subprocess.run([sys.executable, PROGRAM, "nothing.cu"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("benchmarks/barriers.py: there is no nothing.cu in ")
