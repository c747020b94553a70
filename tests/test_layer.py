"""Layer: names, the flat vector and its views, loading, modes, and the cache between forward and backward."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.layer import Layer


class Leaf(Layer):
    """y = W x, with a statistic beside it."""

    def __init__(self, size, l1=0.0, l2=0.0):
        super().__init__()
        self.add_parameter("W", np.arange(size) + 1.0, l1, l2)
        self.add_parameter("b", np.zeros((2, size)))
        self.add_statistic("mean", np.full(size, 0.5))

    def forward(self, x):
        self.keep(x)
        return self.W * x

    def backward(self, dy):
        self.accumulate(W=dy * self.take())
        return dy * self.W


class Tree(Layer):
    """Leaves as attributes and in a list, and things that are neither."""

    def __init__(self):
        super().__init__()
        self.first = Leaf(3, l1=0.1, l2=0.2)
        self.number, self.numbers = 7, [1, 2]
        self.rest = [Leaf(1), Leaf(2)]


NAMES = ["first.W", "first.b", "rest.0.W", "rest.0.b", "rest.1.W", "rest.1.b"]


def test_names():
    tree = Tree()
    assert list(tree.parameters()) == list(tree.gradients()) == NAMES
    assert list(tree.state()) == ["first.mean", "rest.0.mean", "rest.1.mean"]
    assert [path for path, _ in tree.layers()] == ["", "first", "rest.0", "rest.1"]
    assert list(tree.first.parameters()) == ["W", "b"]
    assert tree.count_parameters() == (3 * 6, 6)


def test_pack_leaves_views():
    tree = Tree()
    before = {name: array.copy() for name, array in tree.parameters().items()}
    vector, gradient = tree.pack("float64")
    assert vector.shape == gradient.shape == (18,) and not gradient.any()
    for name, array in tree.parameters().items():
        np.testing.assert_array_equal(array, before[name])
        assert np.shares_memory(array, vector)
        assert np.shares_memory(tree.gradients()[name], gradient)
    np.testing.assert_array_equal(vector[:3], [1, 2, 3])

    vector[1] = 20
    assert tree.first.W[1] == 20
    tree.rest[1].W[0] = 30
    assert vector[12] == 30
    tree.first.forward(np.ones(3))
    tree.first.backward(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(gradient[:4], [1, 2, 3, 0])


def test_pack_changes_the_type_of_everything():
    tree = Tree()
    vector, gradient = tree.pack("float32")
    arrays = [vector, gradient, *tree.parameters().values(), *tree.gradients().values(), *tree.state().values()]
    assert {array.dtype for array in arrays} == {np.dtype("float32")}


def test_packing_twice_keeps_the_values():
    tree = Tree()
    vector, _ = tree.pack("float32")
    again, _ = tree.pack("float64")
    np.testing.assert_array_equal(again, vector)
    assert np.shares_memory(tree.first.W, again) and not np.shares_memory(tree.first.W, vector)


def test_a_layer_without_parameters():
    vector, gradient = Layer().pack()
    assert vector.shape == gradient.shape == (0,)
    assert Layer().count_parameters() == (0, 0)


def test_penalties_follow_the_vector():
    l1, l2 = Tree().penalty_vectors()
    np.testing.assert_allclose(l1, [0.1] * 3 + [0] * 15, rtol=1e-6)
    np.testing.assert_allclose(l2, [0.2] * 3 + [0] * 15, rtol=1e-6)


def arrays_of(tree):
    return {name: array.copy() for name, array in (tree.parameters() | tree.state()).items()}


def test_load():
    source, target = Tree(), Tree()
    vector, _ = target.pack("float32")
    for array in (source.parameters() | source.state()).values():
        array += 1
    target.load(arrays_of(source))
    for name, array in (target.parameters() | target.state()).items():
        np.testing.assert_array_equal(array, arrays_of(source)[name])
        assert array.dtype == np.float32
    assert vector[0] == 2  # the views stay views


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda a: a.pop("first.W"), r"1 arrays missing \(first first\.W\), 0 unknown"),
        (lambda a: a.update(more=np.ones(1)), r"0 arrays missing, 1 unknown \(first more\)"),
        (lambda a: a.update({"first.W": np.ones(4)}), r"first\.W has shape \(4,\), this network wants \(3,\)"),
    ],
)
def test_load_of_another_architecture_changes_nothing(change, message):
    tree, arrays = Tree(), {name: array + 1 for name, array in arrays_of(Tree()).items()}
    change(arrays)
    with pytest.raises(ValueError, match=message):
        tree.load(arrays)
    for name, array in arrays_of(tree).items():
        np.testing.assert_array_equal(array, arrays_of(Tree())[name])


def test_modes_reach_every_layer():
    tree = Tree()
    assert tree.eval() is tree and not any(layer.training for _, layer in tree.layers())
    assert tree.train() is tree and all(layer.training for _, layer in tree.layers())


def test_zero_gradients():
    tree = Tree()
    for gradient in tree.gradients().values():
        gradient += 1
    tree.zero_gradients()
    assert not any(gradient.any() for gradient in tree.gradients().values())


def test_gradients_add_up_in_their_vector_and_statistics_move():
    leaf = Leaf(3)
    _, gradient = leaf.pack(np.float64)
    for _ in range(2):
        leaf.accumulate(W=np.ones(3), b=np.full((2, 3), 0.5))
    leaf.move(0.1, mean=np.full(3, 1.5))
    np.testing.assert_allclose(gradient, [2] * 3 + [1] * 6)
    np.testing.assert_allclose(leaf.mean, 0.6)


def test_the_cache_is_used_once():
    leaf = Leaf(3)
    with pytest.raises(RuntimeError, match=r"Leaf\.backward needs a forward in training mode before it"):
        leaf.backward(np.ones(3))
    leaf.forward(np.ones(3))
    leaf.backward(np.ones(3))
    with pytest.raises(RuntimeError):
        leaf.backward(np.ones(3))


def test_evaluation_keeps_nothing():
    leaf = Leaf(3)
    leaf.forward(np.ones(3))
    leaf.eval().forward(np.ones(3))
    with pytest.raises(RuntimeError):
        leaf.backward(np.ones(3))


def test_a_bare_layer_does_nothing():
    with pytest.raises(TypeError, match="Layer has no forward"):
        Layer().forward(np.ones(3))
    with pytest.raises(TypeError, match="Layer has no backward"):
        Layer().backward(np.ones(3))
