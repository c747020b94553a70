"""The running average against its definition, and the network's own weights afterwards."""

from __future__ import annotations

import numpy as np

from minieqt.model import EQTransformer
from minieqt.training.average import Average


def test_the_average_of_a_few_steps(rng):
    model = EQTransformer(1, length=256, dtype="float64")
    average = Average(model, 0.25)
    expected = model.vector.copy()
    for step in range(1, 6):
        model.vector[...] = rng.standard_normal(model.vector.size)
        model.statistics_vector[...] = step
        decay = min(0.25, (1 + step) / (10 + step))  # 2/11, then 1/4
        expected = decay * expected + (1 - decay) * model.vector
        average.update(step)
    np.testing.assert_allclose(average.vector, expected, rtol=0, atol=1e-14)  # of numbers about 1
    assert 4.5 < average.statistics[0] < 5
    own = model.vector.copy()
    with average.in_place():
        assert (model.parameters()["encoder.stages.0.conv.W"].ravel() == average.vector[:264]).all()
    assert (model.vector == own).all() and (model.statistics_vector == 5).all()
