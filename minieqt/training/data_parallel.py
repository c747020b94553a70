"""Data-parallel training: every rank holds the whole network and takes its part of every batch.

A batch of n windows is cut into parts of n_r windows, one for each rank r. With ℓ_w the loss of window w, a rank adds
up the gradients of its windows, the ranks add up theirs (one all-reduce of the flat gradient), and all divide by n:

    g = 1/n Σ_r Σ_{w in r} ∇ℓ_w        n = Σ_r n_r

That is the gradient of the mean loss of the whole batch, however it was cut, and so for an uneven last batch too. All
ranks then take the same step from the same parameters with the same gradient: the networks stay equal to the bit,
which is checked now and then. Several batches may be added up before a step (accumulation): more terms, the same sum.

Two things must know of the whole batch. Dropout draws by a window's place in it. Batch normalisation takes the mean and
variance of its rank's part, unless told to synchronise (layers/syncbatchnorm.py); its running statistics become the
mean over the windows of all ranks.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from minieqt.backend import array_module, to_numpy
from minieqt.errors import UserError
from minieqt.layers.batchnorm import BatchNorm
from minieqt.layers.syncbatchnorm import WholeBatch
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
            for _, layer in model.layers():
                if isinstance(layer, BatchNorm):
                    layer.whole = self.whole
        self.loss_sum, self.windows, self.steps = 0.0, 0, 0

    def add(self, x: Array, labels: Array) -> None:
        """This rank's part of a batch, x and labels (n_r, 3, T): adds to the gradient, the loss and the windows.

        n_r may be 0 where the windows do not suffice for all ranks: such a rank takes part with a blank window that
        counts nothing, because the others may wait for it inside the network.
        """
        counts = self.communicator.all_gather(len(x))[:, 0].astype(int)
        rank, windows = self.communicator.rank, len(x)
        if counts.sum() == 0:  # a batch of bad traces, on every rank
            return
        if windows == 0:
            x = labels = array_module(x).zeros((1, *x.shape[1:]), x.dtype)
        self.whole.counts = windows > 0
        self.model.randomness.first_sample = int(counts[:rank].sum())
        self.loss_sum += self.model.loss(x, labels) * windows
        self.model.backward(windows)
        self.windows += windows

    def reduce(self, signal: int | None = None) -> tuple[float, int, int | None]:
        """All ranks' gradients into everybody's, as the mean over all windows since the last `reduce`.

        Returns the mean loss, the number of windows, and the signal that any of the ranks has caught: the same on
        every rank. UserError if the ranks' parameters are no longer the same.
        """
        check = self.communicator.size > 1 and self.steps % CHECK_EVERY == 0
        digest = zlib.crc32(to_numpy(self.model.vector).tobytes()) if check else 0
        totals = self.communicator.all_gather(self.loss_sum, self.windows, signal or 0, digest)
        loss_sums, windows, signals, digests = totals.T
        compare(digests, self.steps)
        self.communicator.all_reduce(self.model.gradient)
        if windows.sum():
            self.model.gradient /= self.model.gradient.dtype.type(windows.sum())
            self.average_statistics(self.windows / windows.sum())
        self.loss_sum, self.windows, self.steps = 0.0, 0, self.steps + 1
        loss = loss_sums.sum() / windows.sum() if windows.sum() else 0.0
        return float(loss), int(windows.sum()), int(signals.max()) or None

    def average_statistics(self, share: float) -> None:
        """Running statistics: every rank's, weighted by its share of the windows, added up."""
        if self.communicator.size == 1 or self.sync_batchnorm:  # synchronised ones are the same on all ranks
            return
        arrays = list(self.model.state().values())
        xp = array_module(arrays[0])
        flat = xp.concatenate([a.ravel() for a in arrays]).astype(np.float64) * share
        self.communicator.all_reduce(flat)
        start = 0
        for array in arrays:
            array[...] = flat[start : start + array.size].reshape(array.shape)
            start += array.size


def compare(digests: Array, steps: int) -> None:
    """UserError if the ranks' digests of their parameters are not all the same."""
    wrong = np.flatnonzero(digests != digests[0])
    if len(wrong):
        raise UserError(
            f"after {steps} steps the parameters of rank {wrong[0]} are not those of rank 0: a fault of memory, "
            "or machines that compute differently. Resume from the last checkpoint, on machines that are alike"
        )
