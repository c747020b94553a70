"""The GPU benchmark without a GPU: one line; each of its parts on a pretended one; what fails stops nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cupy_stand_in
import gpu
import gpu_parts
import numpy as np
import pytest
import test_twins

from kernels.cuda import launch, on_host
from minieqt import EQTransformer, backend

ROOT = Path(__file__).resolve().parents[2]
GRAPH = "race: minieqt, one graph"


def test_without_a_gpu(tmp_path):
    (tmp_path / "cupy.py").write_text("raise ImportError('No module named cupy')")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--out", str(tmp_path / "gpu.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("benchmarks/gpu.py: a GPU needs CuPy") and done.stderr.count("\n") == 1
    assert not (tmp_path / "gpu.json").exists()


def measured():
    """What a run might find."""
    inference = {f"inference {b}": 1e-3 for b in (1, 32, 256)}
    return {
        "machine": "2026-01-01, a processor",
        "card": {"gpu": "a card"},
        "tests": "3 passed",
        "errors": {"conv1d": 1e-7, "lstm": "CUDARuntimeError: misaligned"},
        "ceilings": {"copy_bytes_per_second": 1e12, "product_flop_per_second": 5e13},
        "kernels": {"conv1d_forward": {"calls": 2, "seconds": 1e-4, "bytes": 5e7}},
        "folding": {"8 to 8, 3 taps, 94": {"folded": 1e-5, "plain": 2e-5}},
        GRAPH: {"training 32": 1e-3, "training 200": 0.36, "memory_bytes": 2 * 10**9},
        "race: PyTorch twin, eager": inference | {"training 200": "OutOfMemoryError: full", "memory_bytes": 10**9},
        "problems": {"race: SeisBench, eager": "ModuleNotFoundError: No module named 'seisbench'"},
    }


def test_the_table():
    text = gpu.table(measured())
    lines = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    assert lines["conv1d_forward"] == ["conv1d_forward", "2", "100.0", "50.00", "50%"]
    assert lines["minieqt, one graph"][3:] == ["32000", "556", "–", "–", "–", "2.00"]
    assert "PyTorch twin, eager, training 200: OutOfMemoryError: full" in text
    assert "lstm                      CUDARuntimeError: misaligned" in text
    assert "decoder stage 8 to 8, 3 taps, 94: 10 µs folded, 20 µs plain" in text
    assert "race: SeisBench, eager: ModuleNotFoundError" in text
    ours, peer = {"training 32": 2e-3, "precision": "3xTF32"}, {"training 32": 5e-3, "precision": "TF32"}
    assert gpu.ratios({GRAPH[6:]: ours, "a peer": peer}, ["training 32"]) == [
        "one graph (3xTF32) to a peer (TF32): 2.50 × at training 32"
    ]
    epoch = gpu.PAPER_WINDOWS / 200 * 0.36 / 3600
    assert f"STEAD: {epoch:.2f} hours an epoch" in text


@pytest.mark.parametrize("missing", [name for name in measured() if name not in ("machine", "problems")])
def test_the_table_without_a_part(missing):
    assert "a processor" in gpu.table({name: part for name, part in measured().items() if name != missing})


# -- one part after another --------------------------------------------------------------------------------------------


def test_parts_that_fail_and_hang(monkeypatch, tmp_path):
    """A part's last words are reported, what it wrote before its end counts, and nothing that it started survives."""
    part = tmp_path / "part.py"
    part.write_text("""
import pathlib, subprocess, sys, time
name, out = sys.argv[1:]
pathlib.Path(out).write_text('{"found": 1}')
if name == "fails":
    raise RuntimeError("cudaErrorIllegalAddress")
if name == "hangs":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pathlib.Path(__file__).with_name("child").write_text(str(child.pid))
    time.sleep(60)
""")
    monkeypatch.setattr(gpu, "PART", str(part))
    assert gpu.run_part("works", 20) == ({"found": 1}, "")
    assert gpu.run_part("fails", 20) == ({"found": 1}, "RuntimeError: cudaErrorIllegalAddress")
    assert gpu.run_part("hangs", 2) == ({"found": 1}, "not done after 2 s")
    end = time.monotonic() + 20
    while alive(int((tmp_path / "child").read_text())):
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(process):
    """Whether a process still runs: one that has ended and nobody has asked about does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_rest_goes_on(monkeypatch, tmp_path, capsys):
    """And the file is written after every part."""
    out, found = tmp_path / "gpu.json", measured()
    written = []

    def part(name, limit):
        assert 0 < limit <= gpu.LIMITS[name]
        written.append(list(json.loads(out.read_text())) if out.exists() else [])
        return found.get(name), found["problems"].get(name, "")

    monkeypatch.setattr(gpu, "run_part", part)
    monkeypatch.setattr(gpu, "require_gpus", lambda count: None)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(out), "--no-compile"])
    assert gpu.main() == 0
    result = json.loads(out.read_text())
    assert result["problems"] == found["problems"] and result[GRAPH] == found[GRAPH]
    assert "race: PyTorch twin, torch.compile" not in result["seconds"]
    assert written[0] == [] and "ceilings" in written[3] and "tests" not in written[-1]
    assert "STEAD:" in capsys.readouterr().out


def test_tests_of_a_gpu_are_found_where_other_packages_are_missing(tmp_path):
    """All but those that are about the missing: nobody has ObsPy on a machine that was rented for its GPU."""
    missing = {"obspy", "threadpoolctl", "sklearn", "seisbench", "nbformat", "nbclient", "lxml"}
    (tmp_path / "lacking.py").write_text(f"""
import sys

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Lacking())
""")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-m", "pytest", "-p", "lacking", "-m", "gpu", "--collect-only", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    for file in ("test_twins", "test_train", "test_golden", "parallel/test_nccl", "kernels/augment/test_cuda"):
        assert f"tests/{file}.py" in done.stdout, file


def test_no_time_left(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu, "require_gpus", lambda count: None)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--out", str(tmp_path / "gpu.json"), "--minutes", "0.1"])
    assert gpu.main() == 0
    assert f"{GRAPH}: no time left" in capsys.readouterr().out


def test_every_part_has_a_limit():
    assert set(gpu.LIMITS) == set(gpu_parts.PARTS) | {f"race: {name}" for name in gpu_parts.CONTENDERS}


# -- each part, on a pretended GPU -------------------------------------------------------------------------------------


@pytest.fixture
def cupy(monkeypatch):
    """A network of short windows and small batches, its kernels on the host build."""
    if not on_host.available():
        pytest.skip("CUDA kernels are compiled for the host by g++")

    def windows(batch):
        x = np.random.default_rng(batch).standard_normal((batch, 3, 128), np.float32)
        return x, np.abs(x) % 1

    monkeypatch.setattr(gpu_parts, "EQTransformer", partial(EQTransformer, length=128))
    monkeypatch.setattr(gpu_parts, "windows", windows)
    monkeypatch.setattr(gpu_parts, "seconds", lambda cupy, once: 1e-3 if once() is None else 2e-3)
    with backend.using("fast"):
        yield cupy_stand_in.install(monkeypatch)
    launch.module.cache_clear()
    launch.on_device.cache_clear()
    launch.use_products(None)


def test_what_the_card_is_and_can_do(cupy):
    found = gpu_parts.card(cupy)
    assert found["gpu"] == "stand-in" and found["memory_bytes"] == 4 * 2**30
    assert all(value > 0 for value in gpu_parts.ceilings(cupy, 1000, 16).values())


def test_errors_of_kernels(cupy, monkeypatch):
    """One that fails is reported, and those after it are measured; what has no kernel on a GPU is no row."""
    few = {stem: test_twins.CASES[stem] for stem in ("batch_statistics", "cross_entropy", "dropout_mask", "encoder")}
    monkeypatch.setattr(test_twins, "CASES", few | {"cross_entropy": lambda rng: 1 / 0})
    found = gpu_parts.kernel_errors(cupy)
    assert 0 < found["batch_statistics"] < 1e-5 and found["dropout_mask"] < 1e-6
    assert found["cross_entropy"] == "ZeroDivisionError: division by zero"
    assert set(found) == {"batch_statistics", "cross_entropy", "dropout_mask"}


def test_a_step_taken_apart(cupy):
    found = gpu_parts.take_apart(cupy, batch=1, repeats=1)
    assert found["lstm_forward"]["calls"] == 4 and found["lstm_forward"]["seconds"] == pytest.approx(4 * 5e-4)
    assert found["adam_step"]["bytes"] == 6 * 4 * EQTransformer().vector.size + 2 * 8


def test_stages_folded_and_plain(cupy, monkeypatch):
    monkeypatch.setattr(gpu_parts, "stage_there_and_back", lambda x, W, b, crop, dy: dy.sum())
    found = gpu_parts.folding(cupy, batch=1)
    assert len(found) == 7 and "16 to 8, 11 taps, 6000" in found
    assert all(times["folded"] > 0 and times["plain"] > 0 for times in found.values())


def test_a_contender(cupy, monkeypatch):
    """What fails at one task goes on with the next, and all is kept that is found."""
    monkeypatch.setattr(gpu_parts, "TASKS", [("training", 1), ("inference", -1), ("inference", 1)])
    kept = []
    found = gpu_parts.race(cupy, "minieqt, launched", lambda row: kept.append(dict(row)))
    assert found["training 1"] > 0 and found["inference 1"] > 0 and found["memory_bytes"] == 2**30
    assert found["inference -1"].startswith("ValueError: ")
    assert found["precision"] == "float32"
    assert [len(row) for row in kept] == [3, 4, 5]


@pytest.mark.parametrize("refused", [False, True])
def test_the_contender_of_one_graph(cupy, monkeypatch, refused):
    """The step is what is timed, if it could be captured, and a line if not; the readable code, which is quick here."""
    monkeypatch.setattr(gpu_parts, "EQTransformer", partial(EQTransformer, length=128, dtype="float64"))
    monkeypatch.setattr(gpu_parts, "TASKS", [("training", 2)])
    if refused:
        monkeypatch.setattr(cupy.cuda, "Stream", lambda non_blocking: cupy_stand_in.Stream())
    found = gpu_parts.race(cupy, "minieqt, one graph", lambda row: None)
    assert found["training 2"] == ("RuntimeError: the step could not be captured" if refused else 2e-3)


@pytest.mark.parametrize("refused", [False, True])
def test_the_contender_answers_by_a_graph(cupy, monkeypatch, refused):
    monkeypatch.setattr(gpu_parts, "EQTransformer", partial(EQTransformer, length=128))
    monkeypatch.setattr(gpu_parts, "TASKS", [("inference", 1)])
    monkeypatch.setattr(gpu_parts, "windows", lambda batch: (np.ones((batch, 3, 128), np.float32),) * 2)
    if refused:
        monkeypatch.setattr(cupy.cuda, "Stream", lambda non_blocking: cupy_stand_in.Stream())
    with backend.using("fast"):
        found = gpu_parts.race(cupy, "minieqt, one graph", lambda row: None)
    assert found["inference 1"] == ("RuntimeError: the network could not be captured" if refused else 2e-3)


def test_pytorch_contenders(cupy, monkeypatch):
    """On the processor; what SeisBench's network answers is compared elsewhere."""
    torch = pytest.importorskip("torch", reason="PyTorch is a peer: pip install -e '.[peers]'")
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self: self)
    monkeypatch.setattr(torch.nn.Module, "cuda", lambda self: self)
    x = np.random.default_rng(0).standard_normal((1, 3, 6000), np.float32)
    monkeypatch.setattr(gpu_parts, "windows", lambda batch: (x, np.abs(x) % 1))
    contender = gpu_parts.CONTENDERS["PyTorch twin, eager"]()
    for kind in ("training", "inference"):
        contender(kind, 1)()


# -- the first run, with nobody watching -------------------------------------------------------------------------------

STUB = """#!/bin/bash
# In Python's place: some steps fail, one hangs, the table is the real one's.
case "$*" in
    -\\ *) exec {python} "$@" ;;
    *test_streams*) echo "1 failed"; exit 1 ;;
    *test_twins*) echo "begun"; sleep 60 ;;
    *nccl*) echo "SKIPPED [2] tests/x.py:5: CUDA finds no GPU"; echo "2 skipped in 1 s" ;;
    *) echo; echo "no GPU"; exit 2 ;;
esac
"""


@pytest.mark.parametrize("part", ["1", "2"])
def test_every_step_of_the_first_run_is_reported(tmp_path, part):
    """What fails or hangs stops no other, its last words are kept, and what there is no time for says so."""
    python = tmp_path / "python"
    python.write_text(STUB.format(python=sys.executable))
    python.chmod(0o755)
    environment = os.environ | {"PYTHON": str(python), "SECONDS_EACH": "15"}
    command = [str(ROOT / "benchmarks" / "first_gpu_run.sh"), part, str(tmp_path / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    steps = {row["step"]: row for row in json.loads((tmp_path / "out" / f"steps_{part}.json").read_text())}
    table = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert set(steps) <= table.keys()
    if part == "1":
        assert steps["card"]["outcome"] == "exit code 2" and steps["card"]["words"] == "no GPU"
        assert steps["streams_and_graphs"]["words"] == "1 failed" and "1 failed" in table["streams_and_graphs"]
        assert steps["twins"]["outcome"] == "not done in time" and steps["twins"]["words"] == "begun"
        assert steps["races"]["outcome"] == "no time left"
    else:
        assert {"train", "resume", "nccl_of_one_rank", "sanitizer_memcheck", "profile"} <= steps.keys()
        nccl = steps["nccl_of_one_rank"]
        assert nccl["outcome"] == "skipped" and "CUDA finds no GPU (2 skipped" in nccl["words"]
        assert steps["sanitizer_memcheck"]["outcome"] == "exit code 127"  # there is none here
