"""Weights in SeisBench's layout: there and back, both names of an LSTM, two biases for one, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from golden.read import read

from minieqt import EQTransformer
from minieqt.weights import from_seisbench, to_seisbench

LENGTH = 256


@pytest.fixture(params=[(2, "sigmoid"), (3, "hard_sigmoid")], ids=["original", "conservative"])
def model(request, rng):
    """A small network with random numbers in every array."""
    blocks, gate = request.param
    model = EQTransformer(blocks, gate, length=LENGTH)
    for array in (model.parameters() | model.state()).values():
        array[...] = rng.uniform(0.1, 1, array.shape)
    return model


def arrays_of(model):
    return model.parameters() | model.state()


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


@pytest.mark.parametrize("custom_cell", [None, True, False])
def test_there_and_back(model, custom_cell):
    config = model.config
    again = from_seisbench(to_seisbench(model, custom_cell=custom_cell), gate=config["gate"], length=LENGTH)
    assert_same(arrays_of(again), arrays_of(model))
    assert again.config == config and not again.training


def test_the_arrays_are_copies(model):
    before = {name: array.copy() for name, array in arrays_of(model).items()}
    for array in to_seisbench(model).values():
        array += 1
    assert_same(arrays_of(model), before)


def test_names_of_an_lstm(model):
    """Torch's own class where the gates allow it, SeisBench's cell where they do not."""
    names = to_seisbench(model).keys()
    torch, cell = ("bi_lstm_stack.members.0.lstm." + name for name in ("weight_ih_l0_reverse", "cell_b.weight_ih"))
    assert (torch in names, cell in names) == {"sigmoid": (True, False), "hard_sigmoid": (False, True)}[
        model.config["gate"]
    ]


def test_two_biases_for_one(model):
    state = to_seisbench(model, custom_cell=False)
    first, second = state["pick_lstms.0.bias_ih_l0"], state["pick_lstms.0.bias_hh_l0"]
    np.testing.assert_array_equal(first, model.p.lstm.b[0])
    assert not second.any()
    second += 0.25
    again = from_seisbench(state, gate=model.config["gate"], length=LENGTH)
    np.testing.assert_allclose(again.p.lstm.b, model.p.lstm.b + 0.25, rtol=1e-6)


def test_gradients_have_the_names_and_shapes_of_parameters(model, rng):
    model.loss(rng.standard_normal((2, 3, LENGTH)), rng.uniform(size=(2, 3, LENGTH)))
    model.backward()
    parameters, gradients = to_seisbench(model), to_seisbench(model, "gradients")
    statistics = {name for name in parameters if name.endswith(("running_mean", "running_var"))}
    assert gradients.keys() == parameters.keys() - statistics
    assert all(gradient.shape == parameters[name].shape for name, gradient in gradients.items())
    biases = [name for name in gradients if "bias_ih" in name]
    assert biases
    for name in biases:  # each of the two biases has the gradient of ours
        np.testing.assert_array_equal(gradients[name], gradients[name.replace("bias_ih", "bias_hh")])
    np.testing.assert_array_equal(gradients["pick_convs.1.weight"], model.s.decoder.head.dW)


@pytest.mark.parametrize("file, gate, blocks", [("conservative", "hard_sigmoid", 3), ("original", "sigmoid", 2)])
def test_every_name_is_used_and_written(file, gate, blocks):
    _, state = read(f"forward_{file}", gate, blocks)
    model = from_seisbench(state, gate=gate)
    ours = to_seisbench(model, custom_cell=True) | to_seisbench(model, custom_cell=False)
    for name, array in state.items():
        assert ours[name].shape == array.shape, name
        if "bias_ih" in name:
            total = array + state[name.replace("bias_ih", "bias_hh")]
            np.testing.assert_allclose(ours[name], total, rtol=1e-6, atol=1e-7, err_msg=name)
        elif "bias_hh" not in name:
            np.testing.assert_array_equal(ours[name], array, err_msg=name)


def test_a_missing_array_is_named(model):
    state = to_seisbench(model)
    del state["decoder_d.convs.3.weight"]
    with pytest.raises(ValueError, match=r"not a SeisBench EQTransformer: 'decoder_d\.convs\.3\.weight' is missing"):
        from_seisbench(state, gate=model.config["gate"], length=LENGTH)
    with pytest.raises(ValueError, match="is missing"):
        from_seisbench({}, length=LENGTH)


def test_an_array_of_another_shape_is_named(model):
    state = to_seisbench(model)
    state["encoder.convs.0.weight"] = state["encoder.convs.0.weight"][:, :2]
    with pytest.raises(ValueError, match=r"encoder\.stages\.0\.conv\.W has shape \(8, 2, 11\)"):
        from_seisbench(state, gate=model.config["gate"], length=LENGTH)


def test_there_are_two_things_to_write(model):
    with pytest.raises(ValueError, match='what must be "parameters" or "gradients"'):
        to_seisbench(model, "weights")
