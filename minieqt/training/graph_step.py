"""One training step as one CUDA graph: captured once, then replayed for every batch.

A step is several hundred kernels of a few microseconds each. Launched one by one, the processor cannot keep up with
the GPU; a graph is one launch for all of them: the augmentation, where traces lie on the GPU (data/device.py), forward,
loss and backward, the sum over several GPUs, Adam. A capture asks for a few things:

- Nothing is read back in between. So the loss is added up on the device, and read when somebody wants to know it.
- A number in a launch stays what it was. So the dropout's step, Adam's count of steps, the learning rate and what the
  augmentation must know of each window are arrays on the device (kernels/cuda/dropout.cu and adam.cu read them).
- Every array stays where it was. So a batch is copied to one place, and memory comes from a pool that belongs to the
  graph: nobody else is given what it writes to.
- Everything is compiled and allocated before. So the first steps are launched one by one, and they are steps like all
  others: with a graph or without one, training comes to the same bits.
- NCCL wants a sum captured on all ranks or on none. So before each step the ranks tell each other, through the
  processor and without waiting for any GPU, how many windows they have, and whether as many as in the graph.

Where a capture fails (another CuPy, a driver that will not), steps are launched one by one as before, on all ranks, and
one line says so. Batches of another size, such as the last of an epoch, are always launched.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import numpy as np

from minieqt.adam import Adam, adam_step
from minieqt.backend import array_module
from minieqt.model import EQTransformer
from minieqt.training.data_parallel import DataParallel
from minieqt.training.transfer import Transfer

Array = Any

REHEARSALS = 2  # steps launched one by one before the capture; the second finds all memory in the pool
READ_EVERY = 50  # steps between two looks at the loss


class GraphStep:
    """`graph_step(batch)` takes one step of `optimiser` on a network that lives on a GPU, as one of `ranks`."""

    def __init__(self, model: EQTransformer, optimiser: Adam, ranks: DataParallel | None = None):
        self.model, self.optimiser, self.ranks = model, optimiser, ranks or DataParallel(model)
        self.communicator = self.ranks.communicator
        self.xp = xp = array_module(model.vector)
        self.stream, self.pool = xp.cuda.Stream(non_blocking=True), xp.cuda.MemoryPool()
        self.transfer = Transfer(xp, self.stream)
        self.dropout_step = xp.asarray(model.randomness.step, np.uint32)
        self.count = xp.asarray(optimiser.t, np.float64)
        self.rate = xp.asarray(optimiser.learning_rate, np.float64)
        self.loss_sum, self.windows, self.steps = xp.zeros((), np.float64), 0, 0
        self.inputs: tuple[Array, ...] = ()  # where a batch lies when the graph is launched
        self.graph: Any = None
        self.rehearsals, self.refused = REHEARSALS, False
        xp.cuda.Device().synchronize()  # all that was just made is there before another stream uses it

    def __call__(self, batch: Any, signal: int | None = None, due: bool = False) -> tuple[int, int | None, bool]:
        """One step on this rank's part of a batch (a minieqt.data.loader.Batch). Nobody waits for it; see `read_loss`.

        signal: what this rank has caught; due: whether it wants to save. Returns, the same on every rank, the windows
        of the whole batch, the signal that any rank has caught, and whether one wants to save.
        """
        own, shapes = len(batch.rows), [array.shape for array in batch.inputs]
        same = shapes == [array.shape for array in self.inputs]
        counts, agreed, signals, wishes = self.communicator.all_gather(own, same, signal or 0, due).T.astype(int)
        if counts.any():
            with self.stream, self.xp.cuda.using_allocator(self.pool.malloc):
                self.rate[...] = self.optimiser.learning_rate
                arrays = self.transfer.send(*batch.inputs) if own else batch.inputs
                if self.in_place(arrays, bool(agreed.all()), bool(counts.all())):
                    self.replay(batch.made, counts)
                else:
                    self.compute(batch.made, arrays, counts)
                self.transfer.consumed()
            self.windows += own
            self.steps += 1
            self.optimiser.t += 1
            self.model.randomness.step += 1
        return int(counts.sum()), int(signals.max()) or None, bool(wishes.any())

    def in_place(self, arrays: tuple[Array, ...], same: bool, all_have: bool) -> bool:
        """Put a batch where the graph finds it, if it is as large as that on all ranks; whether it is.

        Until there is a graph, a batch of another size gets a new place: it may be the first of many.
        """
        if not same and all_have and self.graph is None and not self.refused:
            self.inputs, self.rehearsals = tuple(self.xp.empty_like(array) for array in arrays), REHEARSALS
            same = True
        if same:
            for place, array in zip(self.inputs, arrays, strict=True):
                place[...] = array
        return same

    def replay(self, made: Any, counts: Array) -> None:
        """The step on the batch in its place: by the graph, or while there is none kernel by kernel."""
        if self.graph is not None:
            self.graph.launch()
            self.communicator.launched()
            return
        self.compute(made, self.inputs, counts)
        self.rehearsals -= 1
        if self.rehearsals == 0 and not self.refused:
            self.graph = self.captured(made, counts)

    def compute(self, made: Any, inputs: tuple[Array, ...], counts: Array) -> None:
        """The step, kernel by kernel, the numbers that change on the device; counts (ranks,): every part's windows."""
        optimiser, randomness = self.optimiser, self.model.randomness
        own = int(counts[self.communicator.rank])
        step_of_host, randomness.step = randomness.step, self.dropout_step
        try:
            if own:
                x, labels = made(*inputs)
            else:
                x = labels = self.xp.zeros((1, 3, self.model.length), np.float32)  # counts nothing; the others may wait
            self.model.zero_gradients()
            loss = self.ranks.add_gradients(x, labels, counts)
            self.ranks.average(own, int(counts.sum()))
        finally:
            randomness.step = step_of_host
        self.count += 1
        vectors = optimiser.theta, optimiser.gradient, optimiser.m, optimiser.v, optimiser.l1, optimiser.l2
        adam_step(*vectors, self.count, self.rate)
        self.loss_sum += loss * own

    def captured(self, made: Any, counts: Array) -> Any:
        """The step as a graph, or None, and a line about it, where any rank's machine refuses. It computes nothing."""
        graph, problem = None, ""
        try:
            self.stream.begin_capture()
            self.compute(made, self.inputs, counts)
            graph = self.stream.end_capture()
        except MemoryError:
            raise
        except Exception as error:
            problem = str(error)
            with suppress(Exception):  # the stream must be left in any case
                self.stream.end_capture()
        failed = np.flatnonzero(self.communicator.all_gather(bool(problem))[:, 0])
        if len(failed) == 0:
            return graph
        self.refused = True
        if failed[0] == self.communicator.rank:
            print(f"training goes on without a CUDA graph, kernel by kernel: {problem}", file=sys.stderr, flush=True)
        return None

    def due(self) -> bool:
        """Whether the loss has not been read for a while."""
        return self.steps >= READ_EVERY

    def read_loss(self) -> tuple[float, int]:
        """Wait for the GPU: the mean loss of all ranks' windows since the last call, and how many they were.

        UserError where the ranks' parameters are no longer the same. All ranks call this together.
        """
        self.stream.synchronize()
        steps = self.optimiser.t
        loss, windows, _ = self.ranks.totals(float(self.loss_sum), self.windows, None, steps, check=True)
        self.loss_sum[...] = 0
        self.xp.cuda.Device().synchronize()
        self.windows = self.steps = 0
        return loss, windows
