"""Convolutions on tensor cores, whose instruction the host build imitates: whole numbers come out exactly."""

from __future__ import annotations

import numpy as np
import pytest
from test_twins import assert_agrees, functions_of, normal, results

from kernels.cuda import launch, on_host

pytestmark = pytest.mark.skipif(not on_host.available(), reason="CUDA kernels are compiled for the host by g++")

CROPS = {11: (1, 1), 2: (0, 0), 5: (2, 0)}  # by K: the plain kernels, and twice those with folded taps
SHAPES = [(1, 3, 16, 11, 50), (2, 40, 33, 2, 47), (1, 9, 70, 5, 31)]  # B, C, O, K, T


@pytest.fixture(autouse=True)
def tensor_cores():
    launch.use_tf32(True)
    yield
    launch.use_tf32(False)


def arguments(stem, numbers, shape):
    """What the operation is called with; `numbers(*shape)` draws."""
    B, C, O, K, T = shape
    crop = (CROPS[K],) if stem == "decoder_stage" else ()
    return numbers(B, C, T), numbers(O, C, K), numbers(O), *crop


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stem", ["conv1d", "encoder_stage", "decoder_stage"])
def test_whole_numbers_are_exact(rng, stem, shape):
    args = arguments(stem, lambda *size: rng.integers(-4, 5, size).astype(np.float32), shape)
    noise = rng.integers(-4, 5, 997).astype(np.float32)
    found, right = (results(functions_of(stem, device), args, noise) for device in ("host", None))
    for a, b in zip(found, right, strict=True):
        np.testing.assert_array_equal(a, b)


def test_other_numbers_to_ten_bits(rng):
    args = arguments("conv1d", lambda *size: normal(rng, *size, scale=0.3), SHAPES[1])
    with pytest.raises(AssertionError, match=r"relative error [1-9]\.[0-9]e-04"):  # that it is TF32 at all
        assert_agrees(functions_of("conv1d"), functions_of("conv1d", "host"), args, rng)


def test_the_order_of_threads_does_not_matter(rng):
    args = [a.astype(np.float32) for a in arguments("conv1d", lambda *size: normal(rng, *size), SHAPES[1])]
    forwards = results(functions_of("conv1d", "host"), args, args[2])
    with on_host.reversed_order():
        backwards = results(functions_of("conv1d", "host"), args, args[2])
    for a, b in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(a, b)
