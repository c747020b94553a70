"""A rank that trains a small network in float64 for ten steps, started by the ring's launcher, by mpiexec, or alone.

    rank_program.py OUT      writes OUT/<rank>.npz: parameters, running statistics, the loss of each step
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from minieqt.adam import Adam
from minieqt.model import EQTransformer
from minieqt.parallel.communicator import Communicator
from minieqt.parallel.join import join
from minieqt.training.data_parallel import DataParallel

STEPS, BATCH, LENGTH = 10, 14, 256
SHORT = {3: 5, 9: 2}  # steps whose batches are shorter: fewer windows than some numbers of ranks


def batch_of(step: int) -> tuple[np.ndarray, np.ndarray]:
    """x and labels of a step's whole batch."""
    x = np.random.default_rng(step).standard_normal((SHORT.get(step, BATCH), 3, LENGTH))
    return x, (np.abs(x) > 1.5).astype(np.float64)


def part_of(windows: np.ndarray, ranks: Communicator) -> np.ndarray:
    """This rank's part of some windows."""
    return windows[len(windows) * ranks.rank // ranks.size : len(windows) * (ranks.rank + 1) // ranks.size]


def train(ranks: Communicator, sync: bool = True, steps: int = STEPS, accumulate: int = 1) -> dict[str, np.ndarray]:
    """Ten steps of this rank, with dropout; what became of the network."""
    model = EQTransformer(1, seed=3, dtype="float64", length=LENGTH)
    optimiser, parallel = Adam(model), DataParallel(model, ranks, sync)
    losses = []
    for step in range(steps):
        x, labels = batch_of(step)
        windows = len(x)
        model.zero_gradients()
        for part in np.array_split(np.arange(windows), accumulate):
            mine = part_of(part, ranks)
            parallel.add(x[mine], labels[mine])
        loss, count, _ = parallel.reduce()
        assert count == windows
        optimiser.step()
        losses.append(loss)
    return {"parameters": model.vector, "losses": np.array(losses)} | model.state()


if __name__ == "__main__":
    ranks = join()
    np.savez(Path(sys.argv[1]) / f"{ranks.rank}.npz", **train(ranks))
