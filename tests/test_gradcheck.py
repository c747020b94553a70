"""The gradient checker: right slopes for known functions, and planted errors caught in every backward."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pytest
from layer_checks import TOLERANCE, disturb

from minieqt import EQTransformer
from minieqt.gradcheck import check_layer, check_loss, compare, slope
from minieqt.layers.activations import HardSigmoid, ReLU, Sigmoid, Tanh
from minieqt.layers.attention import Attention
from minieqt.layers.batchnorm import BatchNorm
from minieqt.layers.conv1d import Conv1D
from minieqt.layers.dense import Dense
from minieqt.layers.dropout import Dropout
from minieqt.layers.feedforward import FeedForward
from minieqt.layers.layernorm import LayerNorm
from minieqt.layers.lstm import BiLSTM
from minieqt.layers.pool import MaxPool1D
from minieqt.layers.upsample import UpSample1D
from minieqt.philox import Randomness


def make_sharp_local_attention(rng):
    attention = disturb(Attention(3, rng, units=4, width=3), rng)
    attention.Wa *= 15  # scores so far apart that a row's maximum may leave little of the band
    return attention


LAYERS = {
    "activations": {
        "relu": lambda rng: ReLU(),
        "sigmoid": lambda rng: Sigmoid(),
        "tanh": lambda rng: Tanh(),
        "hard_sigmoid": lambda rng: HardSigmoid(),
    },
    "attention": make_sharp_local_attention,
    "batchnorm": lambda rng: disturb(BatchNorm(3), rng),
    "conv1d": lambda rng: disturb(Conv1D(3, 2, 4, rng), rng),
    "dense": lambda rng: disturb(Dense(3, 2, rng), rng),
    "feedforward": lambda rng: disturb(FeedForward(3, 5, rng, Randomness(1), 0.4), rng),
    "layernorm": lambda rng: disturb(LayerNorm(3), rng),
    "lstm": lambda rng: disturb(BiLSTM(3, 4, rng, Randomness(1), 0.4), rng),
    "pool": lambda rng: MaxPool1D(),
    "upsample": lambda rng: UpSample1D(),
}

# (file of layers, function, what stands there, what an absent-minded author writes)
PLANTED = [
    ("activations", "relu_backward", "y > 0", "y >= 0"),
    ("activations", "sigmoid_backward", "* (1 - y)", ""),
    ("activations", "tanh_backward", "y * y", "y"),
    ("activations", "hard_sigmoid_backward", " & (y < 1)", ""),
    ("attention", "attention_backward", "de[batch, row, e.argmax(axis=2)] -= through_maximum", "pass"),
    ("attention", "attention_backward", "- (da * a).sum(axis=2, keepdims=True)", ""),
    ("attention", "attention_backward", "dx = dy @ a +", "dx ="),
    ("attention", "attention_backward", "dz.sum(axis=2), dz.sum(axis=1)", "dz.sum(axis=1), dz.sum(axis=2)"),
    ("batchnorm", "batchnorm_backward", "- dbeta[:, None] / count", ""),
    ("batchnorm", "batchnorm_backward", "- x_hat * (dgamma[:, None] / count)", ""),
    ("batchnorm", "batchnorm_backward", "dgamma = (dy * x_hat)", "dgamma = -(dy * x_hat)"),
    ("conv1d", "conv1d_backward", "W[:, :, k].T @ dy", "W[:, :, K - 1 - k].T @ dy"),
    ("conv1d", "conv1d_backward", "left : left + T", "K - 1 - left : K - 1 - left + T"),
    ("conv1d", "conv1d_backward", "x_padded[:, :, k : k + T].transpose", "x_padded[:, :, :T].transpose"),
    ("dense", "dense_backward", "W.T @ dy", "-W.T @ dy"),
    ("dense", "dense_backward", "dy.sum(axis=(0, 2))", "dy.mean(axis=(0, 2))"),
    ("feedforward", "feedforward_backward", "da = da * mask", "pass"),
    ("layernorm", "layernorm_backward", "- mean_g ", ""),
    ("layernorm", "layernorm_backward", "- x_hat * mean_gx", ""),
    ("layernorm", "layernorm_backward", "(dy * x_hat).sum", "(g * x_hat).sum"),
    ("lstm", "lstm_backward", "dh_next = dh_next * state_mask", "pass"),
    ("lstm", "lstm_backward", "h[:-1] * state_mask", "h[:-1]"),
    ("lstm", "lstm_backward", "dx = dx * input_mask[..., None]", "pass"),
    ("lstm", "lstm_backward", "dc_next = dc * f", "dc_next = dc"),
    ("lstm", "lstm_backward", "+ dc_next", ""),
    ("lstm", "lstm_backward", "gate_derivative(dc * c[t], f)", "gate_derivative(dc * c[t + 1], f)"),
    ("lstm", "lstm_backward", "dx[1, :, :, ::-1]", "dx[1]"),
    ("pool", "maxpool1d_backward", "xp.where(second_won, 0, dy)", "dy"),
    ("upsample", "upsample1d_backward", "+ dy[:, :, 1::2]", ""),
]


def plant(monkeypatch, file, function, right, wrong):
    """Replace one expression of a function of minieqt.layers, which must occur there exactly once."""
    module = importlib.import_module(f"minieqt.layers.{file}")
    source = inspect.getsource(inspect.unwrap(getattr(module, function)))
    assert source.count(right) == 1, f"{function} no longer says {right!r}: plant another error"
    namespace = dict(vars(module))
    exec(source.replace(right, wrong), namespace)
    monkeypatch.setattr(module, function, namespace[function])


@pytest.mark.parametrize("file, function, right, wrong", PLANTED)
def test_planted_errors_are_caught(rng, monkeypatch, file, function, right, wrong):
    plant(monkeypatch, file, function, right, wrong)
    layer = LAYERS[file]
    if isinstance(layer, dict):
        layer = layer[function.removesuffix("_backward")]
    errors = check_layer(layer(rng), 2 * rng.standard_normal((2, 3, 9)), rng)
    assert max(errors.values()) > 100 * TOLERANCE


@pytest.mark.parametrize("layer", ["attention", "batchnorm", "conv1d", "feedforward", "layernorm", "lstm"])
def test_nothing_is_caught_where_nothing_is_planted(rng, layer):
    errors = check_layer(LAYERS[layer](rng), 2 * rng.standard_normal((2, 3, 9)), rng)
    assert max(errors.values()) <= TOLERANCE


def test_random_directions_catch_it_too(rng, monkeypatch):
    plant(monkeypatch, "layernorm", "layernorm_backward", "- x_hat * mean_gx", "")
    errors = check_layer(LAYERS["layernorm"](rng), rng.standard_normal((2, 3, 9)), rng, directions=3)
    assert errors["x"] > 100 * TOLERANCE and errors["gamma"] <= TOLERANCE


def test_an_error_shows_in_the_whole_network(rng, monkeypatch):
    plant(monkeypatch, "lstm", "lstm_backward", "dh_next = dh_next * state_mask", "pass")
    model = EQTransformer(length=256, dtype="float64", drop_rate=0.4)
    x = rng.standard_normal((2, 3, 256))
    errors = check_loss(model, x, 0.2 * rng.uniform(size=x.shape), rng, by_name=False)
    assert errors["vector"] > 100 * TOLERANCE


def test_a_cotangent_of_ones_hides_it(rng):
    """Under ones LayerNorm's dx is zero, so a backward that forgets all of it would pass."""
    layer, x = LayerNorm(4), rng.standard_normal((2, 4, 9))
    y = layer.forward(x)
    assert abs(layer.backward(np.ones_like(y))).max() < 1e-12
    layer.forward(x)
    assert abs(layer.backward(rng.standard_normal(y.shape))).max() > 0.1


def test_slope():
    x = np.array([0.3, -1.2])
    assert slope(lambda: np.sin(x).sum(), x, np.array([1.0, 0.0]), 1e-5) == pytest.approx(np.cos(0.3), rel=1e-9)
    assert slope(lambda: np.sin(x).sum(), x, np.array([0.0, 2.0]), 1e-5) == pytest.approx(2 * np.cos(-1.2), rel=1e-9)
    np.testing.assert_array_equal(x, [0.3, -1.2])


def test_relative_errors():
    """By norm against the larger of the two; small gradients against a hundredth of the largest; zero is zero."""
    x, y, z = np.array([1.0, 2.0]), np.array([1.0]), np.array([1.0])
    arrays = {
        "x": (x, np.array([3.0, 4.4])),  # (3, 4) would be right
        "y": (y, np.array([1e-4])),  # 0 would be right
        "z": (z, np.array([0.0])),  # right
    }
    errors = compare(lambda: 3 * x[0] + 4 * x[1], arrays, np.random.default_rng(0))
    size = np.hypot(3, 4.4)
    assert errors == pytest.approx({"x": 0.4 / size, "y": 1e-4 / (size / 100), "z": 0}, abs=1e-9)


def test_a_wrong_gradient_of_zero_everywhere_is_caught(rng):
    x = rng.standard_normal(3)
    assert compare(lambda: (x**2).sum(), {"x": (x, np.zeros(3))}, rng) == pytest.approx({"x": 1})
    assert compare(lambda: 0.0, {"x": (x, np.zeros(3))}, rng) == {"x": 0}


def test_a_kink_has_no_slope():
    """Across the corner of |x| the central difference sees the mean of -1 and 1."""
    x = np.array([1e-12])
    assert slope(lambda: abs(x[0]), x, np.ones(1), 1e-5) == pytest.approx(0, abs=1e-6)


def test_one_direction_across_a_kink_does_not_count(rng):
    """L = x, and a jump that spoils the second of three directions; element by element it counts."""
    x, calls = np.zeros(1), []

    def value():
        calls.append(1)
        return x[0] + (len(calls) == 3)

    assert compare(value, {"x": (x, np.ones(1))}, rng, 3)["x"] < 1e-9
    calls[:] = [1, 1]
    assert compare(value, {"x": (x, np.ones(1))}, rng)["x"] > 0.9


def test_float32_is_refused(rng):
    layer = Dense(3, 2, rng)
    layer.pack(np.float32)
    with pytest.raises(ValueError, match="gradients are checked in float64, W is float32"):
        check_layer(layer, rng.standard_normal((2, 3, 5)), rng)


def test_everything_is_put_back(rng):
    layer, x = LAYERS["lstm"](rng), rng.standard_normal((2, 3, 5))
    before = {name: array.copy() for name, array in layer.parameters().items()} | {"x": x.copy()}
    check_layer(layer, x, rng)
    for name, array in (layer.parameters() | {"x": x}).items():
        np.testing.assert_array_equal(array, before[name])


def test_names():
    rng = np.random.default_rng(0)
    assert check_layer(Dense(2, 2, rng), rng.standard_normal((1, 2, 3)), rng).keys() == {"W", "b", "x"}
    assert check_layer(Dropout(0.5, Randomness(0)), rng.standard_normal((1, 2, 3)), rng).keys() == {"x"}
