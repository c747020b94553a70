"""A network's answers as one array."""

from __future__ import annotations

import numpy as np

from minieqt.inference.predict import predict
from minieqt.model import EQTransformer

SHORT = 640


def test_outputs_are_stacked_in_order():
    model = EQTransformer(length=SHORT).eval()
    x = np.random.default_rng(0).standard_normal((2, 3, SHORT)).astype(np.float32)
    answers = predict(model, x)
    assert answers.shape == (2, 3, SHORT)
    for n, expected in enumerate(model.forward(x)):
        np.testing.assert_array_equal(answers[:, n], expected)
