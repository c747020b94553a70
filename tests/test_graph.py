"""A network that answers by a graph, on a GPU or a pretended one: the same numbers as kernel by kernel."""

from __future__ import annotations

import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import cupy_stand_in
import numpy as np
import pytest
from cupy_stand_in import assert_replays

from kernels.cuda import on_host
from minieqt import EQTransformer, backend
from minieqt.graph import KeptMemory, captured, cuda_graphed

LENGTH = 128


class Scale:
    """A network of one parameter: (scale x, scale + x)."""

    def __init__(self, xp):
        self.vector, self.training, self.monte_carlo = xp.ones(1, np.float32), False, False

    def own(self, x):
        return backend.as_array(x, np.float32, backend.array_module(self.vector))

    @cuda_graphed
    def forward(self, x):
        x = self.own(x)
        return x * self.vector, x + self.vector


def assert_replayed(model, times):
    """That the graph that the network has now was launched so many times."""
    replay = vars(model).get("replay")
    assert_replays([replay.graph] if replay and replay.graph else [], times)


def test_the_second_of_a_shape_and_all_that_follow(cupy):
    model, x = Scale(cupy), np.arange(4, dtype=np.float32)
    kept = []
    for number in range(5):
        model.vector[...] = number  # a graph reads parameters where they lie
        kept.append((number, *model.forward(x + number)))
    short, _ = model.forward(x[:2])
    assert_replayed(model, 4)
    np.testing.assert_array_equal(short.get(), 4 * x[:2])
    for number, product, total in kept:  # and what it answered stays the caller's
        np.testing.assert_array_equal(product.get(), number * (x + number))
        np.testing.assert_array_equal(total.get(), number + (x + number))


def test_another_size_gets_its_own_graph_when_it_comes_to_stay(cupy):
    model = Scale(cupy)
    for size, expected in ((4, 0), (4, 1), (3, 1), (4, 2), (3, 2), (3, 1), (3, 2), (4, 2)):
        product, _ = model.forward(np.full(size, 5, np.float32))
        assert (product.get() == 5).all()
        assert_replayed(model, expected)


def test_each_thread_gets_its_own_answers(cupy, monkeypatch):
    """As `pick` and `evaluate` ask, several batches at once; what is captured knows nothing of the others either."""
    model, launch = Scale(cupy), cupy_stand_in.Graph.launch

    def slow(graph, stream=None):
        time.sleep(0.001)  # another thread's turn
        launch(graph, stream)

    monkeypatch.setattr(cupy_stand_in.Graph, "launch", slow)

    def ask(number):
        product, total = model.forward(np.full(4, number, np.float32))
        return number, product.get(), total.get()

    with backend.using("fast"), ThreadPoolExecutor(4) as threads:
        for number, product, total in threads.map(ask, range(40)):
            assert (product == number).all() and (total == number + 1).all()


@pytest.mark.parametrize("attribute", ["training", "monte_carlo"])
def test_what_changes_from_call_to_call_is_not_replayed(cupy, attribute):
    model = Scale(cupy)
    setattr(model, attribute, True)
    for _ in range(4):
        model.forward(np.ones(3, np.float32))
    assert_replayed(model, 0)


def test_neither_is_the_readable_code_nor_a_processor(cupy):
    for model, mode in ((Scale(cupy), "readable"), (Scale(np), "fast")):
        with backend.using(mode):
            for _ in range(4):
                model.forward(np.ones(3, np.float32))
        assert_replayed(model, 0)


def test_a_network_that_moved_gets_another_graph(cupy):
    model, x = Scale(cupy), np.ones(3, np.float32)
    for scale in (1, 7):
        model.vector = cupy.full(1, scale, np.float32)
        for _ in range(3):
            product, _ = model.forward(x)
            assert (product.get() == scale).all()


@pytest.mark.parametrize("error", [RuntimeError("cudaErrorStreamCaptureInvalidated"), MemoryError("no room")])
def test_where_a_capture_fails(pretended, monkeypatch, capsys, error):
    def refuse(self):
        raise error

    monkeypatch.setattr(cupy_stand_in.Stream, "begin_capture", refuse)
    monkeypatch.setattr(cupy_stand_in.Stream, "end_capture", refuse)
    model = Scale(pretended)
    for _ in range(4):
        product, _ = model.forward(np.full(3, 2, np.float32))
        assert (product.get() == 2).all()
    assert capsys.readouterr().err.splitlines() == [
        f"the network answers without a CUDA graph, kernel by kernel: {error}"
    ]


def test_a_failed_capture_leaves_the_stream(pretended):
    def work():
        pretended.zeros(3).get()

    graph, problem = captured(pretended.cuda.Stream(non_blocking=True), work)
    assert graph is None and "a copy to the host during a capture" in problem
    assert cupy_stand_in.Graph.capturing is None


def test_so_does_too_little_memory(pretended):
    def work():
        raise MemoryError("no room")

    with pytest.raises(MemoryError):
        captured(pretended.cuda.Stream(non_blocking=True), work)
    assert cupy_stand_in.Graph.capturing is None


def test_memory_of_a_graph_is_never_given_back(pretended):
    """Not even where the pool believes that nobody needs it; another pool's is."""
    own, other = KeptMemory(pretended), pretended.cuda.MemoryPool()
    for kept, pool in ((True, own.pool), (False, other)):
        piece = pool.malloc(512).mem
        alive = weakref.ref(piece)
        pool.free.append(piece)
        del piece
        pool.free_all_blocks()  # as a pool does that finds too little
        assert (alive() is not None) == kept


@pytest.mark.skipif(not on_host.available(), reason="CUDA kernels are compiled for the host by g++")
def test_the_network(cupy, rng):
    """To the same bits, also after a step of training in between; and no kernel but the graph's."""
    model = EQTransformer(length=LENGTH, seed=2).to("cuda")
    xs = rng.standard_normal((4, 2, 3, LENGTH)).astype(np.float32)
    with backend.using("fast"):
        model.eval()
        for number, x in enumerate(xs):
            if number == 3:
                model.vector *= 1.01
            found = [p.get() for p in model.forward(x)]
            right = [p.get() for p in EQTransformer.forward.__wrapped__(model, model.own(x))]
            np.testing.assert_array_equal(found, right)
    assert_replayed(model, 3)
