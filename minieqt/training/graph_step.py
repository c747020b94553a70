"""One training step as one CUDA graph: captured once, then replayed for every batch.

A step is several hundred kernels of a few microseconds each. Launched one by one, the processor cannot keep up with
the GPU; a graph (graph.py) is one launch for all of them: the augmentation, where traces lie on the GPU
(data/device.py), forward, loss and backward, the sum over several GPUs, Adam. Where a step adds up several batches, the
last of them is such a graph, and the others have one that ends with backward. A capture asks for a few things:

- Nothing is read back in between. So the loss is added up on the device, and read only when it is needed.
- A number in a launch stays as it was captured. So the dropout's step, Adam's count of steps, the learning rate, the
  windows that a step was made of and what the augmentation must know of each window are arrays on the device
  (kernels/cuda/dropout.cu and adam.cu read them).
- Every array stays where it was. So a batch is copied to one place, and memory comes from a pool that belongs to the
  graph and gives nothing back to the card, so that nothing else can be allocated where the graph writes.
- Everything is compiled and allocated before. So the kernels of the first steps are launched one by one. They are steps
  like all others: with a graph or without one, training gives the same bits.
- NCCL wants a sum captured on all ranks or on none. So before each step the ranks tell each other, through the
  processor and without waiting for any GPU, how many windows they have, and whether as many as in the graph.

Where a capture fails (another CuPy, a driver that will not), steps are launched one by one as before, on all ranks, and
one line says so. Batches of another size, such as the last of an epoch, are always launched; so is the end of a step
that an epoch's end cuts short.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from minieqt.adam import Adam, adam_step
from minieqt.backend import array_module
from minieqt.graph import KeptMemory, captured
from minieqt.kernels import kernel_module
from minieqt.model import EQTransformer
from minieqt.training.data_parallel import DataParallel
from minieqt.training.step import Taken, check_finite
from minieqt.training.transfer import Transfer

Array = Any

REHEARSALS = 2  # steps launched one by one before the capture; the second finds all memory in the pool
READ_EVERY = 50  # steps between two looks at the loss


class GraphStep:
    """A step (step.py) of a network that lives on a GPU, as one of `ranks`. `graph_step(batch)` adds a batch to the
    gradient; after every `accumulate` of them `optimiser` takes a step."""

    def __init__(self, model: EQTransformer, optimiser: Adam, ranks: DataParallel | None = None, accumulate: int = 1):
        self.model, self.optimiser, self.ranks = model, optimiser, ranks or DataParallel(model)
        self.accumulate, self.communicator = accumulate, self.ranks.communicator
        self.xp = xp = array_module(model.vector)
        self.stream, self.memory = xp.cuda.Stream(non_blocking=True), KeptMemory(xp)
        self.transfer = Transfer(xp, self.stream)
        self.dropout_step = xp.asarray(model.randomness.step, np.uint32)
        self.count = xp.asarray(optimiser.t, np.float64)
        self.rate = xp.asarray(optimiser.learning_rate, np.float64)
        self.loss_sum, self.windows, self.steps = xp.zeros((), np.float64), 0, 0
        self.batches, self.step_windows = 0, np.zeros(2, int)  # of the step that is being added up: own, everybody's
        self.shares = xp.ones((), np.float64), xp.ones((), np.float64)  # the same two, where the step reads them
        self.inputs: tuple[Array, ...] = ()  # where a batch lies when a graph is launched
        self.graphs: dict[bool, Any] = {}  # by whether a batch is its step's last
        self.rehearsals: dict[bool, int] = {}  # still to come
        self.refused = False
        model.zero_gradients()
        xp.cuda.Device().synchronize()  # all that was just made is there before another stream uses it

    def take(self, batches: Iterable[Any], signal: int | None = None, due: bool = False) -> Taken:
        """The step of up to `accumulate` batches, launched."""
        windows, caught = 0, signal
        for batch in batches:
            new, caught, due = self(batch, signal, due)
            windows += new
        self.finish()
        return Taken(batch.number, windows, caught, due)

    def __call__(self, batch: Any, signal: int | None = None, due: bool = False) -> tuple[int, int | None, bool]:
        """This rank's part of a batch (a minieqt.data.loader.Batch). Nobody waits for it; see `read_loss`.

        signal: what this rank has caught; due: whether it wants to save. Returns, the same on every rank, the windows
        of the whole batch, the signal that any rank has caught, and whether one wants to save.
        """
        own, shapes = len(batch.rows), [array.shape for array in batch.inputs]
        same = shapes == [array.shape for array in self.inputs]
        counts, agreed, signals, wishes = self.communicator.all_gather(own, same, signal or 0, due).T.astype(int)
        self.batches += 1
        if counts.any():
            self.step_windows += own, counts.sum()
            with self.stream:
                last = self.batches == self.accumulate
                if last:
                    self.set_numbers()
                arrays = self.transfer.send(*batch.inputs) if own else batch.inputs
                if self.in_place(arrays, bool(agreed.all()), bool(counts.all())):
                    with self.xp.cuda.using_allocator(self.memory.allocator):
                        self.replay(batch.made, counts, last)
                else:
                    self.compute(batch.made, arrays, counts, last)
                self.transfer.consumed()
            self.windows += own
            self.model.randomness.step += 1
            if last:
                self.stepped()
        if self.batches >= self.accumulate:
            self.finish()
        return int(counts.sum()), int(signals.max()) or None, bool(wishes.any())

    def finish(self) -> None:
        """Take the step that has been begun, if one has: where an epoch ends before it is complete."""
        if self.step_windows.any():
            with self.stream:
                self.set_numbers()
                self.step()
            self.stepped()
        self.batches = 0

    def set_numbers(self) -> None:
        """Put where the device reads them the numbers that differ from step to step."""
        self.rate[...] = self.optimiser.learning_rate
        for place, number in zip(self.shares, self.step_windows, strict=True):
            place[...] = number

    def stepped(self) -> None:
        """Count a step; the next one begins."""
        self.steps += 1
        self.optimiser.t += 1
        self.batches, self.step_windows = 0, np.zeros(2, int)

    def in_place(self, arrays: tuple[Array, ...], same: bool, all_have: bool) -> bool:
        """Put a batch where the graphs find it, if it is as large as that on all ranks; whether it is.

        Until there is a graph, a batch of another size gets a new place: it may be the first of many.
        """
        if not same and all_have and not self.graphs and not self.refused:
            self.inputs = tuple(self.xp.empty_like(array) for array in arrays)
            self.rehearsals = {False: REHEARSALS, True: REHEARSALS}
            same = True
        if same:
            for place, array in zip(self.inputs, arrays, strict=True):
                place[...] = array
        return same

    def replay(self, made: Any, counts: Array, last: bool) -> None:
        """The batch in its place: by the graph, or while there is none kernel by kernel."""
        if last in self.graphs:
            self.graphs[last].launch()
            self.communicator.launched()
            return
        self.compute(made, self.inputs, counts, last)
        self.rehearsals[last] -= 1
        if self.rehearsals[last] == 0 and not self.refused:
            self.capture(made, counts, last)

    def compute(self, made: Any, inputs: tuple[Array, ...], counts: Array, last: bool) -> None:
        """The batch, kernel by kernel, and behind the last the step; counts (ranks,): every part's windows."""
        randomness, own = self.model.randomness, int(counts[self.communicator.rank])
        step_of_host, randomness.step = randomness.step, self.dropout_step
        try:
            if own:
                x, labels = made(*inputs)
            else:
                x = labels = self.xp.zeros((1, 3, self.model.length), np.float32)  # counts nothing; the others may wait
            with kernel_module("cuda.ahead").ahead_of_step():
                loss = self.ranks.add_gradients(x, labels, counts)
        finally:
            randomness.step = step_of_host
        self.loss_sum += loss * own
        if last:
            self.step()

    def step(self) -> None:
        """From all ranks' gradients to new parameters; the next step's gradient begins at zero."""
        optimiser = self.optimiser
        self.ranks.average(*self.shares)
        self.count += 1
        optimiser.hold_frozen()
        vectors = optimiser.theta, optimiser.gradient, optimiser.m, optimiser.v, optimiser.l1, optimiser.l2
        adam_step(*vectors, self.count, self.rate)
        self.model.zero_gradients()

    def capture(self, made: Any, counts: Array, last: bool) -> None:
        """Make the graph, or, where any rank's machine refuses, none, and a line about it. It computes nothing."""
        graph, problem = captured(self.stream, lambda: self.compute(made, self.inputs, counts, last))
        failed = np.flatnonzero(self.communicator.all_gather(bool(problem))[:, 0])
        if len(failed) == 0:
            self.graphs[last] = graph
            return
        self.refused = True
        if failed[0] == self.communicator.rank:
            print(f"training goes on without a CUDA graph, kernel by kernel: {problem}", file=sys.stderr, flush=True)

    def read_loss(self, now: bool = True) -> tuple[float, int]:
        """Wait for the GPU: the mean loss of all ranks' windows since the last call, and how many they were.

        Not `now`: only if it has not been read for a while, else 0 windows. UserError where the ranks' parameters are
        no longer the same; NotFinite, but the steps have been taken. All ranks call this together.
        """
        if not (now or self.steps >= READ_EVERY):
            return 0.0, 0
        self.stream.synchronize()
        steps = self.optimiser.t
        loss, windows, _ = self.ranks.totals(float(self.loss_sum), self.windows, None, steps, check=True)
        self.loss_sum[...] = 0
        self.xp.cuda.Device().synchronize()
        self.windows = self.steps = 0
        check_finite(loss, self.model.vector, "a parameter")
        return loss, windows
