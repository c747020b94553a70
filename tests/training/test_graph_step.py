"""A captured step against one that is launched kernel by kernel, on a pretended GPU: to the same bits."""

from __future__ import annotations

import cupy_stand_in
import numpy as np
import pytest

from kernels.cuda import launch, on_host
from minieqt import EQTransformer, backend
from minieqt.adam import Adam
from minieqt.training.graph_step import REHEARSALS, GraphStep

pytestmark = pytest.mark.skipif(not on_host.available(), reason="CUDA kernels are compiled for the host by g++")

LENGTH = 128
RATES = (1e-3, 1e-3, 1e-3, 1e-4, 1e-4, 2e-3)
SIZES = (3, 3, 3, 3, 2, 3)  # a smaller batch among them


@pytest.fixture
def cupy(monkeypatch):
    yield cupy_stand_in.install(monkeypatch)
    forget_modules()


@pytest.fixture(scope="module")
def batches():
    draws = np.random.default_rng(1).standard_normal((sum(SIZES), 3, LENGTH), np.float32)
    return [(x, np.abs(x) % 1) for x in np.split(draws, np.cumsum(SIZES)[:-1])]


@pytest.fixture(scope="module")
def right(batches):
    """Step after step, without a graph: the losses and the end."""
    with pytest.MonkeyPatch.context() as monkeypatch, backend.using("fast"):
        cupy_stand_in.install(monkeypatch)
        model, optimiser = network()
        losses = []
        for (x, labels), rate in zip(batches, RATES, strict=True):
            optimiser.learning_rate = rate
            model.zero_gradients()
            losses.append(model.loss(x, labels))
            model.backward()
            optimiser.step()
        end = end_of(model, optimiser)
    forget_modules()
    return losses, end


def forget_modules():
    """Kernels of this pretended CuPy are not those of the next."""
    launch.module.cache_clear()
    launch.on_device.cache_clear()


def network():
    model = EQTransformer(length=LENGTH, seed=5).to("cuda")
    model.train()
    return model, Adam(model)


def end_of(model, optimiser):
    """Parameters, moments, statistics and counters."""
    arrays = [model.vector, optimiser.m, optimiser.v, *model.state().values()]
    return [backend.to_numpy(a) for a in arrays] + [np.array([optimiser.t, model.randomness.step])]


def replayed(batches):
    """The same through a GraphStep; the loss is read twice."""
    model, optimiser = network()
    step, losses = GraphStep(model, optimiser), []
    for number, ((x, labels), rate) in enumerate(zip(batches, RATES, strict=False)):
        optimiser.learning_rate = rate
        step(x, labels)
        if number % 3 == 2:
            losses.append(step.read_loss())
    return losses, end_of(model, optimiser), step


def check(found, right):
    losses, end = right
    for (loss, windows), part in zip(found[0], (slice(0, 3), slice(3, 6)), strict=True):
        assert windows == sum(SIZES[part])
        assert loss == pytest.approx(np.average(losses[part], weights=SIZES[part]), rel=1e-12)
    for a, b in zip(found[1], end, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_graph_takes_the_same_steps(cupy, batches, right):
    with backend.using("fast"):
        found = replayed(batches)
    assert found[2].graph.replays == len(SIZES) - REHEARSALS - 1
    check(found, right)


def test_without_a_graph_where_a_capture_fails(cupy, batches, right, monkeypatch, capsys):
    def refuse(self):
        cupy_stand_in.Graph.capturing.end()
        cupy_stand_in.Graph.capturing = None
        raise RuntimeError("cudaErrorStreamCaptureInvalidated")

    monkeypatch.setattr(cupy_stand_in.Stream, "end_capture", refuse)
    with backend.using("fast"):
        losses, _, step = replayed(batches[:3])
    assert step.graph is None
    assert (
        "goes on without a CUDA graph, kernel by kernel: cudaErrorStreamCaptureInvalidated" in capsys.readouterr().err
    )
    assert losses == [(pytest.approx(np.mean(right[0][:3]), rel=1e-12), 3 * SIZES[0])]


def test_too_little_memory_is_no_reason_to_go_on(cupy, batches, monkeypatch):
    def full(self, x, labels):
        raise MemoryError("Out of memory allocating 1,024 bytes")

    model, optimiser = network()
    step = GraphStep(model, optimiser)
    monkeypatch.setattr(EQTransformer, "loss_on_device", full)
    with pytest.raises(MemoryError, match="allocating 1,024"):
        step(*batches[0])
