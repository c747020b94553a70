"""Convolutions on tensor cores, whose instruction the host build imitates, with one product of TF32 and with three."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from test_twins import CASES, MANY, functions_of, normal, results, with_dtype

from kernels.cuda import launch, on_host

pytestmark = pytest.mark.skipif(not on_host.available(), reason="CUDA kernels are compiled for the host by g++")

CROPS = {11: (1, 1), 2: (0, 0), 5: (2, 0)}  # by K: the plain kernels, and twice those with folded taps
SHAPES = [(1, 3, 16, 11, 50), (2, 40, 33, 2, 47), (1, 9, 70, 5, 31), (MANY, 2, 16, 2, 5)]  # B, C, O, K, T


@pytest.fixture(autouse=True, params=[1, 3])
def products(request):
    launch.use_products(request.param)
    yield request.param
    launch.use_products(None)


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


def relative_errors(rng, stem, args):
    """Of every result of an operation, against its definition in float64."""
    noise = rng.standard_normal(997).astype(np.float32)
    rounded = with_dtype(args, np.float32)
    right = results(functions_of(stem), with_dtype(rounded, np.float64), noise)
    found = results(functions_of(stem, "host"), rounded, noise)
    return [np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-9) for a, b in zip(found, right, strict=True)]


@pytest.mark.parametrize("channels, filters", [(40, 33), (16, 16)])
def test_other_numbers(rng, channels, filters, products):
    """y, dx and dW: with one product ten bits, so that it is TF32 at all, with three what float32 has, about."""
    args = normal(rng, 2, channels, 47), normal(rng, filters, channels, 3), normal(rng, filters)
    least, most = {1: (1e-5, 1e-3), 3: (1e-9, 2e-6)}[products]
    assert all(least < error < most for error in relative_errors(rng, "conv1d", args)[:3])


# C, O, K and the length of every convolution of 16 filters and more; a long one is cut short: its sums are no longer.
ENCODER = [(8, 16, 9, 375), (16, 16, 7, 375), (16, 32, 7, 375), (32, 32, 5, 188), (32, 64, 5, 94), (64, 64, 3, 47)]
DECODER = [(16, 64, 3, 47), (64, 64, 5, 94), (64, 32, 5, 188), (32, 32, 7, 188), (32, 16, 7, 375), (16, 16, 9, 375)]
RESIDUAL = [(64, 64, 3, 47), (64, 64, 2, 47)]


@pytest.mark.parametrize("stem, shapes", [("encoder_stage", ENCODER), ("decoder_stage", DECODER), ("conv1d", RESIDUAL)])
def test_three_products_in_the_network(rng, stem, shapes, products):
    """Every result within 1e-5 of float64's, relative, and as near as float32's own products come."""
    if products == 1:
        pytest.skip("one product has ten bits")
    for C, O, K, T in shapes:
        crop = ((0, 0),) if stem == "decoder_stage" else ()
        args = normal(rng, 1, C, T), normal(rng, O, C, K, scale=(C * K) ** -0.5), normal(rng, O, scale=0.1), *crop
        assert max(relative_errors(rng, stem, args)) <= 1e-5


@pytest.mark.parametrize("stem", ["rescnn_half", "lstm"])
def test_what_stands_around_a_tile(rng, stem, products):
    for args in islice(CASES[stem](rng), 1, None, 3):
        assert max(relative_errors(rng, stem, args)) < {1: 5e-3, 3: 2e-5}[products]


def test_what_is_not_finite_stays_so():
    """A run that became NaN has to show it: rounding must not carry into the sign."""
    quiet = np.array([0x7FFFFFFF], np.uint32).view(np.float32)[0]  # what a GPU's own arithmetic gives
    for value in (quiet, np.inf):
        x, W = np.full((1, 16, 8), value, np.float32), np.ones((16, 16, 1), np.float32)
        pair, b, noise = functions_of("conv1d", "host"), np.zeros(16, np.float32), np.ones(9, np.float32)
        y, dx, dW, db = results(pair, (x, W, b), noise)
        assert not np.isfinite(y).any() and not np.isfinite(dW).any() and np.isfinite([*dx.ravel(), *db]).all()


def test_the_order_of_threads_does_not_matter(rng):
    args = [a.astype(np.float32) for a in arguments("conv1d", lambda *size: normal(rng, *size), SHAPES[1])]
    forwards = results(functions_of("conv1d", "host"), args, args[2])
    with on_host.reversed_order():
        backwards = results(functions_of("conv1d", "host"), args, args[2])
    for a, b in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(a, b)
