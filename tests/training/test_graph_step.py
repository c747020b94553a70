"""A captured step against one that is launched kernel by kernel, on a GPU or a pretended one: to the same bits."""

from __future__ import annotations

from dataclasses import replace

import cupy_stand_in
import numpy as np
import pytest
from cupy_stand_in import assert_replays

from kernels.cuda import on_host
from minieqt import EQTransformer, backend
from minieqt.adam import Adam
from minieqt.data.loader import Batch
from minieqt.training import graph_step
from minieqt.training.average import Average
from minieqt.training.data_parallel import DataParallel
from minieqt.training.freeze import freeze
from minieqt.training.graph_step import REHEARSALS, GraphStep

LENGTH = 128
RATES = (1e-3, 1e-3, 1e-3, 1e-4, 1e-4, 2e-3, 1e-3, 1e-3)
SIZES = (3, 3, 3, 3, 2, 3)  # a smaller batch among them


@pytest.fixture(scope="module")
def batches():
    draws = np.random.default_rng(1).standard_normal((sum(SIZES), 3, LENGTH), np.float32)
    parts = np.split(draws, np.cumsum(SIZES)[:-1])
    return [Batch(x, np.abs(x) % 1, np.arange(len(x)), number) for number, x in enumerate(parts)]


def network(dtype):
    model = EQTransformer(length=LENGTH, seed=5, dtype=dtype).to("cuda")
    model.train()
    return model, Adam(model)


def end_of(model, optimiser):
    """Parameters, moments, statistics and counters."""
    arrays = [model.vector, optimiser.m, optimiser.v, *model.state().values()]
    return [backend.to_numpy(a) for a in arrays] + [np.array([optimiser.t, model.randomness.step])]


def launched(batches, dtype, accumulate=1):
    """Step after step, without a graph: the losses of batches and the end."""
    model, optimiser = network(dtype)
    alone, losses = DataParallel(model), []
    for first in range(0, len(batches), accumulate):
        optimiser.learning_rate = RATES[first]
        model.zero_gradients()
        before = 0.0
        for batch in batches[first : first + accumulate]:
            alone.add(model.own(batch.x), batch.labels)
            losses.append((alone.loss_sum - before) / len(batch.rows))
            before = alone.loss_sum
        alone.reduce()
        optimiser.step()
    return losses, end_of(model, optimiser)


def replayed(batches, dtype, accumulate=1):
    """The same through a GraphStep; the loss is read after every third batch."""
    model, optimiser = network(dtype)
    step, losses = GraphStep(model, optimiser, accumulate=accumulate), []
    for number, batch in enumerate(batches):
        optimiser.learning_rate = RATES[number // accumulate * accumulate]
        assert step(batch) == (len(batch.rows), None, False)
        if number % 3 == 2:
            losses.append(step.read_loss())
    step.finish()
    step.stream.synchronize()
    return losses, end_of(model, optimiser), step


def check(batches, replays, dtype="float64", sizes=SIZES, accumulate=1):
    """Both ways come to the same, and so many batches were replays.

    The kernels (float32) do to the bit; the readable Adam takes powers of t from another library if t is an array.
    """
    (losses, end), (found, found_end, step) = (way(batches, dtype, accumulate) for way in (launched, replayed))
    assert_replays(step.graphs.values(), replays)
    for number, (loss, windows) in enumerate(found):
        part = slice(3 * number, 3 * number + 3)
        assert windows == sum(sizes[part])
        assert loss == pytest.approx(np.average(losses[part], weights=sizes[part]), rel=1e-12)
    for a, b in zip(found_end, end, strict=True):
        np.testing.assert_allclose(a, b, rtol=0 if dtype == "float32" else 1e-9)


def test_the_readable_code_replayed(pretended, batches):
    check(batches, replays=len(SIZES) - REHEARSALS - 1)


@pytest.mark.skipif(not on_host.available(), reason="CUDA kernels are compiled for the host by g++")
def test_the_kernels_replayed(cupy, batches, monkeypatch):
    """And nothing between them joins arrays: CuPy sends a list of addresses over for that, once."""
    monkeypatch.setattr(graph_step, "REHEARSALS", 1)
    for name in ("concatenate", "stack"):
        joins = getattr(cupy, name)

        def join(*arguments, joins=joins, **options):
            cupy_stand_in.Graph.refuse("joining arrays")
            return joins(*arguments, **options)

        monkeypatch.setattr(cupy, name, join, raising=False)
    with backend.using("fast"):
        check(batches[:3], 2, "float32")


def test_several_batches_a_step(cupy, batches, monkeypatch):
    """Two graphs, of batches that end with backward and of those that end with a step; the last step is cut short."""
    monkeypatch.setattr(graph_step, "REHEARSALS", 1)
    five = [batches[number % 4] for number in range(5)]
    pretended = isinstance(cupy, cupy_stand_in.CupyStandIn)  # where the readable code is quicker
    with backend.using("fast"):
        check(five, replays=3, dtype="float64" if pretended else "float32", sizes=(3,) * 5, accumulate=2)


def test_a_step_whose_last_batch_is_empty(pretended, batches):
    """As where every trace of a batch is bad: the step is taken all the same."""
    model, optimiser = network("float64")
    step, empty = GraphStep(model, optimiser, accumulate=2), replace(batches[0], rows=batches[0].rows[:0])
    for batch in (batches[0], empty, empty, empty):
        step(batch)
    alone, other = network("float64")
    GraphStep(alone, other)(batches[0])
    assert optimiser.t == other.t == 1
    np.testing.assert_allclose(model.vector.get(), alone.vector.get(), rtol=1e-12)


def test_without_a_graph_where_a_capture_fails(pretended, batches, monkeypatch, capsys):
    def refuse(self):
        cupy_stand_in.Graph.capturing.end()
        cupy_stand_in.Graph.capturing = None
        raise RuntimeError("cudaErrorStreamCaptureInvalidated")

    monkeypatch.setattr(cupy_stand_in.Stream, "end_capture", refuse)
    check(batches, replays=0)
    assert "without a CUDA graph, kernel by kernel: cudaErrorStreamCaptureInvalidated" in capsys.readouterr().err


def test_where_a_capture_cannot_begin(pretended, batches, monkeypatch, capsys):
    monkeypatch.setattr(pretended.cuda, "Stream", lambda non_blocking: cupy_stand_in.Stream(non_blocking=False))
    check(batches, replays=0)
    assert "kernel by kernel: cannot capture on the default (legacy) stream" in capsys.readouterr().err


def test_a_bad_trace_in_the_first_batch(pretended, batches):
    """Two full batches after the short one are rehearsed, and the rest is replayed."""
    short = batches[4]
    check([short, *(batches[n] for n in (0, 1, 2, 3))], replays=2, sizes=(2, 3, 3, 3, 3))


def test_too_little_memory_is_no_reason_to_go_on(pretended, batches, monkeypatch):
    def full(self, x, labels):
        raise MemoryError("Out of memory allocating 1,024 bytes")

    model, optimiser = network("float64")
    step = GraphStep(model, optimiser)
    monkeypatch.setattr(EQTransformer, "loss_on_device", full)
    with pytest.raises(MemoryError, match="allocating 1,024"):
        step(batches[0])


def test_frozen_parts_and_an_average(pretended, batches):
    """As in the loop: the average takes in every step, on the graph's stream; what is frozen stays, to the bit."""
    ends, averages = [], []
    for graph in (False, True):
        model, _ = network("float64")
        optimiser = Adam(model, trained=freeze(model, ["encoder", "rescnn"]))
        average, before = Average(model, 0.9), {n: a.get().copy() for n, a in model.parameters().items()}
        alone, step = DataParallel(model), GraphStep(model, optimiser) if graph else None
        for batch in [batches[number % 4] for number in range(6)]:
            if step is None:
                model.zero_gradients()
                alone.add(model.own(batch.x), batch.labels)
                alone.reduce()
                optimiser.step()
                average.update(optimiser.t)
            else:
                step(batch)
                with step.stream:
                    average.update(optimiser.t)
        if step is not None:
            assert step.graphs
            step.stream.synchronize()
        for name, array in model.parameters().items():
            if name.startswith(("encoder.", "rescnn.")):
                assert array.get().tobytes() == before[name].tobytes(), name
        ends.append(end_of(model, optimiser))
        averages.append([average.vector.get(), average.statistics.get()])
    for a, b in zip(ends[0] + averages[0], ends[1] + averages[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert (averages[0][0] != ends[0][0]).any()
