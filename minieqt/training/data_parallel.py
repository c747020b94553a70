"""Data-parallel training: every rank holds the whole network and takes its part of every batch.

A batch of n windows is cut into parts of n_r windows, one for each rank r. With ℓ_w the loss of window w, a rank adds
up the gradients of its windows, the ranks add up theirs (one all-reduce of the flat gradient), and all divide by n:

    g = 1/n Σ_r Σ_{w in r} ∇ℓ_w        n = Σ_r n_r

That is the gradient of the mean loss of the whole batch, however it was cut, and so for an uneven last batch too. All
ranks then take the same step from the same parameters with the same gradient: the networks stay equal to the bit,
which is checked now and then. Several batches may be added up before a step (accumulation): more terms, the same sum.

Two things depend on the whole batch. Dropout's masks are drawn by a window's place in it. Batch normalisation takes the
mean and variance of its rank's part, unless synchronised (layers/syncbatchnorm.py); its running statistics become the
mean over the windows of all ranks.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from minieqt.backend import array_module, as_array, to_numpy
from minieqt.errors import UserError
from minieqt.layers.syncbatchnorm import WholeBatch, synchronise
from minieqt.parallel.communicator import Communicator, Solo

Array = Any

CHECK_EVERY = 100  # steps between two comparisons of all ranks' parameters; it costs a millisecond


class DataParallel:
    """The forward and backward passes of one step, over all ranks: `add` for every batch, then `reduce`.

    sync_batchnorm: normalise with the mean and variance of all ranks' windows instead of the own ones.
    """

    def __init__(self, model: Any, communicator: Communicator | None = None, sync_batchnorm: bool = False):
        self.model = model
        self.communicator = communicator or Solo()
        self.whole = WholeBatch(self.communicator.all_reduce)
        self.sync_batchnorm = sync_batchnorm and self.communicator.size > 1
        if self.sync_batchnorm:
            synchronise(model, self.whole)
        self.loss_sum, self.windows, self.steps = 0.0, 0, 0

    def add(self, x: Array, labels: Array) -> None:
        """This rank's part of a batch, x and labels (n_r, 3, T): adds to the gradient, the loss and the windows.

        n_r may be 0 where there are fewer windows than ranks: such a rank takes part with a blank window of no weight,
        because the others may wait for it inside the network.
        """
        counts = self.communicator.all_gather(len(x))[:, 0].astype(int)
        if counts.sum() == 0:  # a batch of bad traces, on every rank
            return
        if len(x) == 0:
            x = labels = array_module(x).zeros((1, *x.shape[1:]), x.dtype)
        loss = self.add_gradients(x, labels, counts)
        windows = int(counts[self.communicator.rank])
        self.loss_sum += float(loss) * windows
        self.windows += windows

    def add_gradients(self, x: Array, labels: Array, counts: Array) -> Array:
        """Forward and backward of this rank's part of a batch; counts (ranks,): the windows of everybody's part.

        Adds to the gradient; returns the part's mean loss, which stays where the network is. Nobody waits for a GPU.
        """
        rank = self.communicator.rank
        windows = int(counts[rank])
        self.whole.counts = windows > 0
        self.model.randomness.first_sample = int(counts[:rank].sum())
        loss = self.model.loss_on_device(x, labels)
        self.model.backward(windows, need_dx=False)
        return loss

    def average(self, own: Any, windows: Any) -> None:
        """All ranks' gradients and statistics into everybody's: the mean over all `windows`; `own` were this rank's.

        Both are numbers, or arrays of one number on the network's device.
        """
        gradient = self.model.gradient
        self.communicator.all_reduce(gradient)
        gradient /= as_array(windows, gradient.dtype, array_module(gradient))
        # Running statistics: every rank's, weighted by its share of the windows; synchronised ones are the same anyway.
        if self.communicator.size > 1 and not self.sync_batchnorm:
            share = self.model.statistics_vector.astype(np.float64) * (own / windows)
            self.communicator.all_reduce(share)
            self.model.statistics_vector[...] = share

    def reduce(self, signal: int | None = None) -> tuple[float, int, int | None]:
        """All ranks' gradients into everybody's, as the mean over all windows since the last `reduce`.

        Returns the mean loss, the number of windows, and the signal that any of the ranks has caught: the same on
        every rank. UserError if the ranks' parameters are no longer the same.
        """
        totals = self.totals(self.loss_sum, self.windows, signal, self.steps, self.steps % CHECK_EVERY == 0)
        if totals[1]:
            self.average(self.windows, totals[1])
        self.loss_sum, self.windows, self.steps = 0.0, 0, self.steps + 1
        return totals

    def totals(
        self, loss_sum: float, windows: int, signal: int | None, steps: int, check: bool
    ) -> tuple[float, int, int | None]:
        """Every rank's sum of losses, windows and signal -> the mean loss, all windows, the signal that any has caught.

        UserError if `check` is on and the ranks' parameters are no longer the same after so many steps.
        """
        check = check and self.communicator.size > 1
        digest = zlib.crc32(to_numpy(self.model.vector).tobytes()) if check else 0
        loss_sums, counts, signals, digests = self.communicator.all_gather(loss_sum, windows, signal or 0, digest).T
        compare(digests, steps)
        loss = loss_sums.sum() / counts.sum() if counts.sum() else 0.0
        return float(loss), int(counts.sum()), int(signals.max()) or None


def compare(digests: Array, steps: int) -> None:
    """UserError if the ranks' digests of their parameters are not all the same."""
    wrong = np.flatnonzero(digests != digests[0])
    if len(wrong):
        raise UserError(
            f"after {steps} steps the parameters of rank {wrong[0]} are not those of rank 0: a fault of memory, "
            "or machines that compute differently. Resume from the last checkpoint, on machines that are alike"
        )
