"""One batch of real windows is learnt by heart: what can be learnt at all is learnt, P and S to 0.1 s."""

from __future__ import annotations

import numpy as np

from minieqt import EQTransformer
from minieqt.adam import Adam
from minieqt.data import open_dataset
from minieqt.data.labels import make_labels
from minieqt.data.normalise import normalise

TOLERANCE = 10  # samples: 0.1 s


def test_eight_windows_of_northern_california(shared):
    dataset = open_dataset(shared / "data" / "ncedc.hdf5", shared / "data" / "ncedc.csv")
    table = dataset.table
    whole = [row for row in np.flatnonzero(table.earthquake) if (dataset.read(row).std(axis=1) > 0).all()]
    rows = np.array(whole[:: len(whole) // 8][:8])
    x = normalise(np.stack([dataset.read(row) for row in rows])).astype(np.float32)
    p, s = table.p_sample[rows], table.s_sample[rows]
    labels = np.stack([make_labels(*arrivals) for arrivals in zip(p, s, strict=True)])
    dataset.close()

    model = EQTransformer(drop_rate=0.0, seed=0)
    optimiser = Adam(model, learning_rate=3e-3)
    model.train()  # and so it stays: the running statistics of a few hundred steps are not the batch's own
    for step in range(1, 401):
        model.zero_gradients()
        model.loss(x, labels)
        model.backward()
        optimiser.step()
        if step % 25 == 0:
            _, p_curve, s_curve = model.forward(x)
            worst = max(np.abs(p_curve.argmax(axis=1) - p).max(), np.abs(s_curve.argmax(axis=1) - s).max())
            if worst <= TOLERANCE:
                return
    raise AssertionError(f"after {step} steps a peak is still {worst:.0f} samples from the analyst's pick")
