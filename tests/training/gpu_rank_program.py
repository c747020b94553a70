"""A rank that trains the network of rank_program.py on a pretended GPU, by a graph a step.

    gpu_rank_program.py OUT [RANK]      writes OUT/<rank>.npz; on RANK the machine refuses to capture
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import rank_program
from rank_program import LENGTH, STEPS, batch_of, part_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cupy_stand_in
from cupy_stand_in import Graph

from minieqt.adam import Adam
from minieqt.data.loader import Batch
from minieqt.model import EQTransformer
from minieqt.parallel.communicator import Communicator
from minieqt.parallel.join import join
from minieqt.training.data_parallel import DataParallel
from minieqt.training.graph_step import GraphStep


class Device(Communicator):
    """In NCCL's place: sums of device arrays join the pretended GPU's queue, and a capture takes them like a kernel.

    What goes through the processor is refused during a capture. `launches` counts what the clock is told of.
    """

    def __init__(self, host: Communicator):
        super().__init__(host.rank, host.size)
        self.host, self.launches = host, 0

    def all_reduce(self, array):
        if isinstance(array, np.ndarray):
            Graph.refuse("a sum through the processor")
            self.host.all_reduce(array)
        else:
            Graph.do(lambda: self.host.all_reduce(array.held))

    def broadcast(self, array, root=0):
        raise AssertionError("nothing to tell")

    def launched(self):
        self.launches += 1


def refuse(self):
    """An end_capture that fails."""
    graph, Graph.capturing = Graph.capturing, None
    graph.end()
    raise RuntimeError("cudaErrorStreamCaptureInvalidated")


def train(ranks: Device, sync: bool) -> dict[str, np.ndarray]:
    """Ten steps; the loss is read after each, as a step's loss is what rank_program notes."""
    model = EQTransformer(1, seed=3, dtype="float64", length=LENGTH).to("cuda")
    step, losses = GraphStep(model, Adam(model), DataParallel(model, ranks, sync)), []
    for number in range(STEPS):
        x, labels = batch_of(number)
        mine = part_of(np.arange(len(x)), ranks)
        batch = Batch(x[mine], labels[mine], mine, number)
        assert step(batch, 15 if ranks.rank == 1 and number == 4 else None, ranks.rank == 0 and number == 5) == (
            len(x),
            15 if number == 4 and ranks.size > 1 else None,
            number == 5,
        )
        losses.append(step.read_loss()[0])
    replays = sum(graph.replays for graph in step.graphs.values())
    assert ranks.launches == replays
    found = {"parameters": model.vector.get(), "losses": np.array(losses), "replays": np.array(replays)}
    return found | {name: array.get() for name, array in model.state().items()}


if __name__ == "__main__":
    ranks = Device(join())
    if sys.argv[2:] == [str(ranks.rank)]:
        cupy_stand_in.Stream.end_capture = refuse
    sys.modules["cupy"] = cupy_stand_in.CupyStandIn()
    assert rank_program.SHORT.keys() == {3, 9}  # what the test counts replays by
    np.savez(Path(sys.argv[1]) / f"{ranks.rank}.npz", **train(ranks, sync=True))
