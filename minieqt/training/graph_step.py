"""One training step as one CUDA graph: captured once, then replayed for every batch.

A step is several hundred kernels of a few microseconds each. Launched one by one, the processor cannot keep up with the
GPU; a graph is one launch for all of them. A capture asks for a few things:

- Nothing is read back in between. So the loss is added up on the device, and read when somebody wants to know it.
- A number in a launch stays what it was. So the dropout's step, Adam's count of steps and the learning rate are arrays
  of one on the device, raised there (kernels/cuda/dropout.cu and adam.cu read them).
- Every array stays where it was. So x and labels are copied to one place, and memory comes from a pool that belongs to
  the graph: nobody else is given what it writes to.
- Everything is compiled and allocated before. So the first steps are launched one by one, and they are steps like all
  others: with a graph or without one, training comes to the same bits.

Where a capture fails (another CuPy, a driver that will not), steps are launched one by one as before, and one line says
so. Batches of another size, such as the last of an epoch, are always launched.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import numpy as np

from minieqt.adam import Adam, adam_step
from minieqt.backend import array_module
from minieqt.model import EQTransformer
from minieqt.training.transfer import Transfer

Array = Any

REHEARSALS = 2  # steps launched one by one before the capture; the second finds all memory in the pool
READ_EVERY = 50  # steps between two looks at the loss


class GraphStep:
    """`graph_step(x, labels)` takes one step of `optimiser` on a network that lives on a GPU."""

    def __init__(self, model: EQTransformer, optimiser: Adam):
        self.model, self.optimiser = model, optimiser
        self.xp = xp = array_module(model.vector)
        self.stream, self.pool = xp.cuda.Stream(non_blocking=True), xp.cuda.MemoryPool()
        self.transfer = Transfer(xp, self.stream)
        self.dropout_step = xp.asarray(model.randomness.step, np.uint32)
        self.count = xp.asarray(optimiser.t, np.float64)
        self.rate = xp.asarray(optimiser.learning_rate, np.float64)
        self.loss_sum, self.windows, self.steps = xp.zeros((), np.float64), 0, 0
        self.x: Array = None
        self.labels: Array = None
        self.graph: Any = None
        self.rehearsals = REHEARSALS
        xp.cuda.Device().synchronize()  # all that was just made is there before another stream uses it

    def __call__(self, x: Array, labels: Array) -> None:
        """One step on x, labels (B, 3, T), of the host or of the device. Nobody waits for it; see `read_loss`."""
        with self.stream, self.xp.cuda.using_allocator(self.pool.malloc):
            x, labels = self.transfer.send(x, labels)
            self.rate[...] = self.optimiser.learning_rate
            if self.x is None:
                self.x, self.labels = self.xp.empty_like(x), self.xp.empty_like(labels)
            if x.shape != self.x.shape:
                self.compute(x, labels)
            else:
                self.x[...], self.labels[...] = x, labels
                if self.rehearsals:
                    self.rehearsals -= 1
                    self.compute(self.x, self.labels)
                    if not self.rehearsals:
                        self.graph = self.captured()
                elif self.graph is None:
                    self.compute(self.x, self.labels)
                else:
                    self.graph.launch()
            self.transfer.consumed()
        self.windows += len(x)
        self.steps += 1
        self.optimiser.t += 1
        self.model.randomness.step += 1

    def compute(self, x: Array, labels: Array) -> None:
        """The step, kernel by kernel, with the numbers that change on the device."""
        optimiser, randomness = self.optimiser, self.model.randomness
        step_of_host, randomness.step = randomness.step, self.dropout_step
        try:
            self.model.zero_gradients()
            loss = self.model.loss_on_device(x, labels)
            self.model.backward()
        finally:
            randomness.step = step_of_host
        self.count += 1
        vectors = optimiser.theta, optimiser.gradient, optimiser.m, optimiser.v, optimiser.l1, optimiser.l2
        adam_step(*vectors, self.count, self.rate)
        self.loss_sum += loss * len(x)

    def captured(self) -> Any:
        """The step as a graph, or None, and a line about it, where the machine refuses. A capture computes nothing."""
        self.stream.begin_capture()
        try:
            self.compute(self.x, self.labels)
            return self.stream.end_capture()
        except MemoryError:
            raise
        except Exception as error:
            with suppress(Exception):  # the stream must be left in any case
                self.stream.end_capture()
            print(f"training goes on without a CUDA graph, kernel by kernel: {error}", file=sys.stderr, flush=True)
            return None

    def due(self) -> bool:
        """Whether the loss has not been read for a while."""
        return self.steps >= READ_EVERY

    def read_loss(self) -> tuple[float, int]:
        """Wait for the GPU: the mean loss of the windows since the last call, and how many they were."""
        self.stream.synchronize()
        loss, windows = float(self.loss_sum) / max(self.windows, 1), self.windows
        self.loss_sum[...] = 0
        self.xp.cuda.Device().synchronize()
        self.windows = self.steps = 0
        return loss, windows
