"""Batch normalisation over all ranks: the mean and variance of the whole batch, of which each rank holds a part.

Rank r has n_r values in a channel, with mean μ_r and variance σ²_r. With N = Σ_r n_r the whole batch has

    μ = Σ_r n_r μ_r / N,        σ² = Σ_r n_r (σ²_r + μ_r²) / N - μ²,

one all-reduce of 2 C + 1 numbers, in float64 because the last subtraction cancels. In backward dx needs the whole
batch's Σ dy and Σ dy x̂ (layers/batchnorm.py); a rank's own backward has used its own sums, so the difference is added:

    dx ← dx + γ/σ [ (Σ_own dy / n_r - Σ_all dy / N) + x̂ (Σ_own dy x̂ / n_r - Σ_all dy x̂ / N) ]

(dy: the gradient of a sum over windows. If every rank took the mean over its windows, ranks with few would count more.)
With these two sums N ranks compute what one would with the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minieqt.backend import array_module
from minieqt.layer import Layer
from minieqt.layers.batchnorm import EPS, BatchNorm, batch_statistics

Array = Any


class WholeBatch:
    """Sums over the batch of all ranks. `counts` is False while this rank's windows are blanks, not part of the batch.

    all_reduce: a communicator's, adds up an array over all ranks in place.
    """

    def __init__(self, all_reduce: Callable[[Array], None]):
        self.all_reduce, self.counts = all_reduce, True

    def sums(self, count: int, first: Array, second: Array) -> tuple[float, Array, Array]:
        """count, first (C), second (C) -> their sums over all ranks, in float64."""
        flat, C = array_module(first).zeros(1 + 2 * len(first), np.float64), len(first)
        if self.counts:
            flat[0], flat[1 : 1 + C], flat[1 + C :] = count, first, second
        self.all_reduce(flat)
        return flat[0], flat[1 : 1 + C], flat[1 + C :]

    def statistics(self, count: int, mean: Array, variance: Array) -> tuple[Array, Array]:
        """A rank's count, mean (C) and biased variance (C) -> the whole batch's mean and biased variance."""
        mean64, variance64 = mean.astype(np.float64), variance.astype(np.float64)
        total, first, second = self.sums(count, count * mean64, count * (variance64 + mean64**2))
        first, second = first / total, second / total
        variance_of_all = array_module(mean).maximum(second - first**2, 0)
        return first.astype(mean.dtype), variance_of_all.astype(mean.dtype)

    def corrected(
        self, dx: Array, x: Array, gamma: Array, mean: Array, inverse_std: Array, dgamma: Array, dbeta: Array
    ) -> Array:
        """dx (B, C, T) from a rank's own sums, dgamma and dbeta (C) -> dx from the sums of the whole batch."""
        count = x.shape[0] * x.shape[2]
        total, gamma_sum, beta_sum = self.sums(count, dgamma, dbeta)
        if not self.counts:
            return dx
        constant = (dbeta / count - beta_sum / total).astype(dx.dtype)
        slope = (dgamma / count - gamma_sum / total).astype(dx.dtype)
        x_hat = (x - mean[:, None]) * inverse_std[:, None]
        return dx + (gamma * inverse_std)[:, None] * (constant[:, None] + slope[:, None] * x_hat)


class SyncBatchNorm(BatchNorm):
    """A BatchNorm over the batch of all ranks; it takes over the arrays of `norm`, which it replaces."""

    def __init__(self, norm: BatchNorm, whole: WholeBatch):
        vars(self).update(vars(norm))  # the same arrays, not copies: they may be views into flat vectors
        self.whole = whole
        self._normalised: Any = None  # x and the statistics that forward used

    def of_batch(self, x: Array) -> tuple[Array, Array]:
        mean, variance = self.whole.statistics(x.shape[0] * x.shape[2], *batch_statistics(x))
        self._normalised = x, mean, variance
        return mean, variance

    def add_gradients(self, dx: Array, dgamma: Array, dbeta: Array) -> Array:
        super().add_gradients(dx, dgamma, dbeta)
        x, mean, variance = self._normalised
        inverse_std = 1 / array_module(x).sqrt(variance + x.dtype.type(EPS))
        return self.whole.corrected(dx, x, self.gamma, mean, inverse_std, dgamma, dbeta)


def synchronise(network: Layer, whole: WholeBatch) -> None:
    """Replace each BatchNorm of a network by a SyncBatchNorm."""
    for _, layer in list(network.layers()):
        for name, child in vars(layer).items():
            if isinstance(child, BatchNorm):
                setattr(layer, name, SyncBatchNorm(child, whole))
