"""Readable and fast from the same seed: the same training, step by step."""

from __future__ import annotations

import numpy as np

from minieqt import EQTransformer, backend
from minieqt.adam import Adam
from minieqt.data.labels import make_labels

STEPS, LEARNING_RATE = 20, 1e-4


def losses(mode, dtype, x, labels):
    """The losses of the first steps of training, dropout and all."""
    with backend.using(mode):
        model = EQTransformer(seed=1, dtype=dtype)
        optimiser = Adam(model, LEARNING_RATE)
        model.train()
        found = []
        for _ in range(STEPS):
            model.zero_gradients()
            found.append(model.loss(x, labels))
            model.backward()
            optimiser.step()
    return np.array(found)


def test_the_first_twenty_losses_agree(rng):
    x = rng.standard_normal((4, 3, 6000)).astype(np.float32)
    arrivals = [(1000, 1500), (2000, 2600), (700, 1900), (np.nan, np.nan)]
    for window, (p, s) in zip(x, arrivals, strict=True):
        if p == p:
            window[:, p:] *= 3
            window[:, s:] *= 2
    labels = np.stack([make_labels(p, s) for p, s in arrivals])
    golden = losses("readable", "float64", x, labels)
    readable, fast = (losses(mode, "float32", x, labels) for mode in ("readable", "fast"))
    assert golden[-1] < 0.9 * golden[0]  # it does train
    assert not np.array_equal(readable, fast)  # the kernels were in use
    np.testing.assert_allclose(fast[:4], golden[:4], rtol=1e-4)
    # From then on rounding decides the sign of Adam's smallest steps: the kernels stray from float64 no further than
    # the readable code in float32 does.
    strayed = np.abs(readable / golden - 1).max()
    assert np.abs(fast / golden - 1).max() < max(3 * strayed, 5e-3)
