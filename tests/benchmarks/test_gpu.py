"""The GPU benchmark without a GPU: one line, and the table that it would print."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import gpu

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_gpu(tmp_path):
    (tmp_path / "cupy.py").write_text("raise ImportError('No module named cupy')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--out", str(tmp_path / "gpu.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("benchmarks/gpu.py: a GPU needs CuPy") and done.stderr.count("\n") == 1
    assert not (tmp_path / "gpu.json").exists()


def test_the_table():
    times = {"training 32": 1e-2} | {f"inference {b}": 1e-3 for b in gpu.INFERENCE_BATCHES}
    result = {
        "machine": "2026-01-01, a processor",
        "gpu": "a card",
        "tests": "3 passed",
        "errors": {"conv1d": 1e-7},
        "ceilings": {"copy_bytes_per_second": 1e12, "product_flop_per_second": 5e13},
        "kernels": {"conv1d_forward": {"calls": 2, "seconds": 1e-4, "bytes": 5e7}},
        "race": {
            "minieqt, one graph": {"training 32": 1e-3, "training 200": 0.36, "memory_bytes": 2 * 10**9},
            "PyTorch twin, eager": times | {"training 200": "OutOfMemoryError: full", "memory_bytes": 10**9},
        },
    }
    text = gpu.table(result)
    lines = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    assert lines["conv1d_forward"] == ["conv1d_forward", "2", "100.0", "50.00", "50%"]
    assert lines["minieqt, one graph"][3:] == ["32000", "556", "–", "–", "–", "2.00"]
    assert "PyTorch twin, eager, training 200: OutOfMemoryError: full" in text
    epoch = gpu.PAPER_WINDOWS / 200 * 0.36 / 3600
    assert f"STEAD: {epoch:.2f} hours an epoch" in text


def test_time_runs_out():
    class Cupy:
        class cuda:
            class runtime:
                deviceSynchronize = staticmethod(lambda: None)

    clock = gpu.Clock(Cupy, minutes=1)
    assert clock.has(30) and not clock.has(90)
    calls = []
    assert clock.seconds(lambda: calls.append(1), rounds=2, least=1e-5) > 0
    assert len(calls) > 2
