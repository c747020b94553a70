"""Batch normalisation over ranks: two of them with parts of a batch do what one does with the whole."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import disturb
from rings import together

from minieqt import EQTransformer
from minieqt.layers.batchnorm import BatchNorm
from minieqt.layers.syncbatchnorm import SyncBatchNorm, WholeBatch, synchronise


def passes(layer, x, dy):
    """y, dx, and what the layer then holds."""
    y = layer.forward(x)
    dx = layer.backward(dy)
    return y, dx, layer.dgamma, layer.dbeta, layer.mean, layer.variance


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_the_whole_batch(cut, rng):
    """Where a rank has no windows (cut 0) it takes part with a blank one, whose gradient is zero and stays so."""
    x, dy = 3 * rng.standard_normal((5, 4, 7)) + 20, rng.standard_normal((5, 4, 7))
    weights = disturb(BatchNorm(4), rng).parameters()

    def layer():
        made = BatchNorm(4)
        made.load(weights | made.state())
        return made

    def work(rank):
        part = slice(0, cut) if rank.rank == 0 else slice(cut, 5)
        norm = SyncBatchNorm(layer(), WholeBatch(rank.all_reduce))
        if cut == 0 and rank.rank == 0:
            norm.whole.counts = False
            return passes(norm, np.zeros((1, 4, 7)), np.zeros((1, 4, 7)))
        return passes(norm, x[part], dy[part])

    y, dx, dgamma, dbeta, mean, variance = passes(layer(), x, dy)
    first, second = together(2, work)
    close = dict(rtol=1e-10, atol=1e-12)
    if cut:
        np.testing.assert_allclose(np.concatenate([first[0], second[0]]), y, **close)
        np.testing.assert_allclose(np.concatenate([first[1], second[1]]), dx, **close)
    else:
        assert not first[1].any()
        np.testing.assert_allclose(second[1], dx, **close)
    np.testing.assert_allclose(first[2] + second[2], dgamma, **close)
    np.testing.assert_allclose(first[3] + second[3], dbeta, **close)
    for rank in (first, second):
        np.testing.assert_allclose(rank[4], mean, **close)
        np.testing.assert_allclose(rank[5], variance, **close)


def test_every_batchnorm_of_a_network_is_replaced():
    """And holds the very same arrays, views into the flat vectors."""
    model = EQTransformer(length=128, seed=0)
    names, state = model.parameters(), model.state()
    synchronise(model, WholeBatch(lambda array: None))
    kinds = [type(layer) for _, layer in model.layers() if isinstance(layer, BatchNorm)]
    assert kinds and set(kinds) == {SyncBatchNorm}
    for before, after in ((names, model.parameters()), (state, model.state())):
        assert list(before) == list(after) and all(before[name] is after[name] for name in before)
