"""N ranks do what one does with the whole batch: ten steps in float64, with dropout and uneven batches."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rank_program import LENGTH, train
from rings import together

from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.parallel.communicator import Solo
from minieqt.parallel.launch import launch
from minieqt.training.data_parallel import DataParallel

PROGRAM, GPU_PROGRAM = (str(Path(__file__).with_name(name)) for name in ("rank_program.py", "gpu_rank_program.py"))
MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")


@pytest.fixture(scope="module")
def alone():
    return train(Solo())


def assert_same(folder: Path, ranks: int, alone: dict) -> None:
    """All ranks hold the same bits, and they agree with the one rank to 1e-6 of the largest number of each array."""
    results = [dict(np.load(folder / f"{rank}.npz")) for rank in range(ranks)]
    for name, expected in alone.items():
        assert len({result[name].tobytes() for result in results}) == 1, name
        error = np.abs(results[0][name] - expected).max() / np.abs(expected).max()
        assert error <= 1e-6, f"{name}: {error:.1e}"


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 7])
def test_a_ring_of_processes(ranks, alone, tmp_path):
    assert launch([sys.executable, PROGRAM, str(tmp_path)], ranks, "program") == 0
    assert_same(tmp_path, ranks, alone)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 7])
def test_mpi(ranks, alone, tmp_path):
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec")
    subprocess.run([MPIEXEC, "-n", str(ranks), sys.executable, PROGRAM, str(tmp_path)], check=True, timeout=120)
    assert_same(tmp_path, ranks, alone)


def replays(folder: Path, ranks: int) -> list[int]:
    """How often each rank's graph was replayed."""
    return [int(np.load(folder / f"{rank}.npz")["replays"]) for rank in range(ranks)]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_graphs_of_several_pretended_gpus(ranks, alone, tmp_path):
    """Steps 0 and 1 are rehearsed, 3 and 9 are shorter, the last too short for 3 ranks; sums are in the graphs."""
    assert launch([sys.executable, GPU_PROGRAM, str(tmp_path)], ranks, "program") == 0
    assert_same(tmp_path, ranks, alone)
    assert replays(tmp_path, ranks) == [6] * ranks


def test_one_gpu_that_cannot_capture(alone, tmp_path, capfd):
    """NCCL wants a sum in all graphs or in none: nobody uses one, and one of them says why."""
    assert launch([sys.executable, GPU_PROGRAM, str(tmp_path), "1"], 2, "program") == 0
    assert_same(tmp_path, 2, alone)
    assert replays(tmp_path, 2) == [0, 0]
    assert capfd.readouterr().err.count("without a CUDA graph, kernel by kernel: cudaErrorStreamCapture") == 1


@pytest.mark.parametrize("cuts", [[5], [3, 5], [1, 2, 5]])
def test_accumulated_batches(cuts):
    """The gradient is the mean over all windows, however many each batch held."""
    model = EQTransformer(1, seed=3, dtype="float64", length=LENGTH, drop_rate=0)
    parallel = DataParallel(model)
    x = np.random.default_rng(0).standard_normal((5, 3, LENGTH))
    labels = (x > 1).astype(float)
    batches = [slice(start, stop) for start, stop in zip([0, *cuts], cuts, strict=False)]
    loss, gradient = 0.0, np.zeros_like(model.gradient)
    for batch in batches:
        model.zero_gradients()
        loss += model.loss(x[batch], labels[batch]) * len(x[batch]) / 5
        model.backward()
        gradient += model.gradient * len(x[batch]) / 5
    model.zero_gradients()
    for batch in batches:
        parallel.add(x[batch], labels[batch])
    assert parallel.reduce() == (pytest.approx(loss, rel=1e-12), 5, None)
    np.testing.assert_allclose(model.gradient, gradient, rtol=0, atol=1e-12 * np.abs(gradient).max())


def test_running_statistics_are_the_mean_over_windows():
    """Without synchronisation every rank normalises on its own, and yet all save the same statistics."""
    results = together(3, lambda rank: train(rank, sync=False, steps=4))
    names = [name for name in results[0] if "mean" in name or "variance" in name]
    assert names
    for name in ["parameters", *names]:
        assert len({result[name].tobytes() for result in results}) == 1, name
    assert np.abs(results[0]["parameters"] - train(Solo(), steps=4)["parameters"]).max() > 1e-5  # not the same network


def small(ranks):
    return DataParallel(EQTransformer(1, dtype="float64", length=LENGTH), ranks)


def test_a_signal_reaches_every_rank():
    x = np.ones((1, 3, LENGTH), np.float32)

    def work(rank):
        parallel = small(rank)
        parallel.add(x, x)
        return parallel.reduce(signal=15 if rank.rank == 1 else None)[2]

    assert together(2, work) == [15, 15]


def test_a_batch_that_nobody_has_windows_of():
    def work(rank):
        parallel = small(rank)
        parallel.add(np.empty((0, 3, LENGTH), np.float32), np.empty((0, 3, LENGTH), np.float32))
        return parallel.reduce(), parallel.model.gradient.any()

    assert together(2, work) == [((0.0, 0, None), False)] * 2


def test_a_parameter_that_has_changed_is_noticed():
    def work(rank):
        parallel = small(rank)
        if rank.rank == 2:
            parallel.model.vector[1000] += 1e-12
        with pytest.raises(UserError, match="the parameters of rank 2 are not those of rank 0"):
            parallel.reduce()

    together(3, work)
