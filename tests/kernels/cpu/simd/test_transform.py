"""Transforms of rows: what compiled code does against the NumPy that stands beside it."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from kernels.cpu.polyphase.winograd import METHODS, output_transform
from kernels.cpu.simd.tile import COLUMNS
from kernels.cpu.simd.transform import ChannelRows, transform

ALL = {
    "input": [method.input for method in METHODS],
    "output": [method.output for method in METHODS],
    "output backward": [method.output.T for method in METHODS],
    "input backward": [method.input.T for method in METHODS],
    "odd": [np.array([[0.0, 2, -2, 1]]), np.array([[1.0], [-1], [0]]), np.array([[3.0, 0, 1], [3, 0, 1], [-1, 2, -1]])],
}


@pytest.mark.parametrize("matrices", ALL.values(), ids=ALL)
@pytest.mark.parametrize("option", [{}, {"add": True}, {"relu": True}, {"gate": True}], ids=str)
def test_against_the_definition(rng, matrices, option):
    definition, channels, width, gap = transform(matrices, **option), 3, 2 * COLUMNS, COLUMNS + 5

    @njit
    def compiled(method, count, source, first, target, target_first, extra, extra_first):
        definition(method, count, source, first, target, target_first, extra, extra_first)

    for method, (rows, columns) in enumerate(matrix.shape for matrix in matrices):
        x = rng.normal(size=3 + columns * channels * width).astype(np.float32)
        at, places = rng.permutation(columns) * channels * width, rng.permutation(rows) * gap * channels
        before = rng.normal(size=10 + rows * channels * gap).astype(np.float32)
        found, right = before.copy(), before.copy()
        extra = rng.normal(size=x.size).astype(np.float32)
        source = ChannelRows(x, width, at)
        compiled(method, channels, source, 2, ChannelRows(found, gap, places), 7, extra, 1)
        definition(method, channels, source, 2, ChannelRows(right, gap, places), 7, extra, 1)
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=2e-5)
        written = {7 + place + c * gap for place in places for c in range(channels)}
        untouched = np.ones(before.size, bool)
        for first in written:
            untouched[first : first + COLUMNS] = False
        assert np.array_equal(found[untouched], before[untouched])


def test_relu_hides_no_nan():
    """A loss that became NaN stops a training run: no kernel may make a zero of it."""

    @njit
    def relu(x, at, out, bias):
        output_transform(0, 1, ChannelRows(x, COLUMNS, at), 0, ChannelRows(out, COLUMNS, at), 0, bias, 0)

    x, out = np.array([np.nan, -1, 2] * COLUMNS, np.float32), np.empty(COLUMNS, np.float32)
    relu(x, np.zeros(1, np.int64), out, np.zeros(1, np.float32))
    np.testing.assert_array_equal(out[:3], np.array([np.nan, 0, 2], np.float32))
