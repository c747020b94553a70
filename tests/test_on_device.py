"""The whole network on arrays that are not NumPy's: a pretended GPU (cupy_stand_in), and a real one if there is one."""

from __future__ import annotations

import numpy as np
import pytest
from test_gradcheck import LAYERS

from kernels.cuda import launch, on_host
from minieqt import EQTransformer, backend
from minieqt.adam import Adam

LENGTH = 240  # samples of a window: two steps after the encoder, and a decoder stage that crops, as at 6000


@pytest.fixture
def batch(rng):
    x = rng.standard_normal((3, 3, LENGTH)).astype(np.float32)
    return x, rng.uniform(size=x.shape).astype(np.float32)


def one_step(device, batch, dtype, mode):
    """A step of training and an evaluation before its end: loss, probabilities, arrays by name, all NumPy's.

    The parameters after the step are in float64's only: Adam's first step is ± the learning rate, and where a gradient
    is zero but for rounding, so is its sign.
    """
    model = EQTransformer(length=LENGTH, dtype=dtype, seed=3).to(device)
    optimiser = Adam(model)
    with backend.using(mode):
        loss = model.train().loss(*batch)
        model.backward()
        probabilities = [backend.to_numpy(p) for p in model.eval().forward(batch[0])]
        arrays = {name: backend.to_numpy(array) for name, array in (model.gradients() | model.state()).items()}
        optimiser.step()
    if dtype == "float64":
        arrays["after"] = backend.to_numpy(model.vector)
    assert backend.to_numpy(model.vector != EQTransformer(length=LENGTH, dtype=dtype, seed=3).to(device).vector).any()
    return loss, probabilities, arrays


def assert_same(found, right, tolerance):
    np.testing.assert_allclose(found[0], right[0], rtol=tolerance)
    np.testing.assert_allclose(found[1], right[1], rtol=tolerance, atol=tolerance)
    largest = max(np.abs(array).max() for array in right[2].values())
    for name, array in right[2].items():
        np.testing.assert_allclose(found[2][name], array, rtol=tolerance, atol=tolerance * largest, err_msg=name)


def test_what_a_gpu_refuses(cupy):
    x = cupy.zeros(3)
    for mistake in (lambda: x + np.ones(3), lambda: np.asarray(x), lambda: cupy.stack([x, np.ones(3)])):
        with pytest.raises(TypeError):
            mistake()
    with pytest.raises(ValueError, match="non-scalar"):
        x[0:2] = np.ones(2)
    assert backend.array_module(x + 1) is cupy and float((x + 1).sum()) == 3


EVERY_LAYER = {name: made for name, made in (LAYERS | LAYERS["activations"]).items() if callable(made)}


@pytest.mark.parametrize("name", EVERY_LAYER)
def test_a_layer_on_either(cupy, name):
    """y, dx and the gradients of the readable code in float64: the device's are the processor's."""

    def there_and_back(xp):
        rng = np.random.default_rng(20201203)
        layer = EVERY_LAYER[name](rng)
        layer.pack(np.float64, xp)
        x = xp.asarray(2 * rng.standard_normal((2, 3, 9)))
        y = layer.forward(x)
        dx = layer.backward(xp.asarray(rng.standard_normal(y.shape)))
        return [backend.to_numpy(array) for array in (y, dx, *layer.gradients().values())]

    with backend.using("readable"):
        for found, right in zip(there_and_back(cupy), there_and_back(np), strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-13)


def test_the_readable_code_runs_on_either(pretended, batch):
    assert_same(one_step("cuda", batch, "float64", "readable"), one_step("cpu", batch, "float64", "readable"), 1e-12)


@pytest.mark.skipif(not on_host.available(), reason="CUDA kernels are compiled for the host by g++")
def test_a_step_through_every_kernel(pretended, batch, monkeypatch):
    """As on a GPU: found by the seam, launched through RawModule; against the definition on the processor."""
    used = set()
    start = on_host.run
    monkeypatch.setattr(on_host, "run", lambda source, *rest: (used.add(source), start(source, *rest)))
    assert_same(one_step("cuda", batch, "float32", "fast"), one_step("cpu", batch, "float32", "readable"), 1e-4)
    assert used == {path.name for path in on_host.FOLDER.glob("*.cu")} - {"feedforward.cu"}  # for wider layers


def test_there_and_back(cupy):
    model = EQTransformer(length=LENGTH)
    before = model.vector.copy()
    assert backend.array_module(model.to("cuda").vector) is cupy
    np.testing.assert_array_equal(model.to("cpu").vector, before)
    assert model.bilstm.blocks[0].lstm.U.base is model.vector


@pytest.mark.gpu
def test_a_step_on_a_gpu(gpu, batch):
    right = one_step("cpu", batch, "float64", "readable")
    assert_same(one_step("cuda", batch, "float64", "readable"), right, 1e-9)
    found = one_step("cuda", batch, "float32", "fast")
    assert_same(found, right, 1e-3)
    assert_same(one_step("cuda", batch, "float32", "fast"), found, 0)  # the same seed, the same bits


@pytest.mark.gpu
def test_tensor_cores_on_a_gpu(gpu, batch):
    """Gradients to a few percent: a ReLU that opens or closes by rounding is a whole number in them."""
    right = one_step("cpu", batch, "float64", "readable")
    launch.use_products(1)
    try:
        found = one_step("cuda", batch, "float32", "fast")
    finally:
        launch.use_products(None)
    np.testing.assert_allclose(found[0], right[0], rtol=1e-3)
    np.testing.assert_allclose(found[1], right[1], atol=5e-3)
    assert_same(found, right, 0.05)
