"""Convolutions of few filters, whose tiles are mostly empty, and of many, against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from kernels.cpu.conv.correlate import NEARBY
from kernels.cpu.conv1d import conv1d_backward, conv1d_forward
from kernels.cpu.encoder import encoder_stage_backward, encoder_stage_forward
from kernels.cpu.simd.tile import ROWS
from minieqt.blocks import encoder
from minieqt.layers import conv1d

CONVOLUTION = conv1d.conv1d_forward.definition, conv1d.conv1d_backward.definition, conv1d_forward, conv1d_backward
STAGE = (
    encoder.encoder_stage_forward.definition,
    encoder.encoder_stage_backward.definition,
    encoder_stage_forward,
    encoder_stage_backward,
)


@pytest.mark.parametrize("filters", [1, ROWS + 1, (NEARBY + 1) * ROWS])
@pytest.mark.parametrize("operation", [CONVOLUTION, STAGE])
@pytest.mark.parametrize(("batch", "channels", "length", "taps"), [(2, 8, 6000, 11), (1, 3, 801, 4), (19, 9, 47, 7)])
def test_few_and_many_filters(rng, filters, operation, batch, channels, length, taps):
    shapes = (batch, channels, length), (filters, channels, taps), (filters,)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    forward, backward, fast_forward, fast_backward = operation
    right, cache = forward(*(array.astype(np.float64) for array in arrays))
    found, fast_cache = fast_forward(*arrays)
    dy = rng.normal(size=right.shape).astype(np.float32)
    wanted = right, *backward(dy.astype(np.float64), cache)
    for expected, result in zip(wanted, (found, *fast_backward(dy, fast_cache)), strict=True):
        assert result.shape == expected.shape and result.flags.c_contiguous
        assert np.linalg.norm(result - expected) <= 1e-5 * np.linalg.norm(expected)
