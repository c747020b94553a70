"""The whole network: its size, its seeds, its modes, its mistakes, and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from layer_checks import TOLERANCE

from minieqt import EQTransformer
from minieqt.gradcheck import check_loss
from minieqt.layer import Layer
from minieqt.loss import WEIGHTS, cross_entropy_forward

SHORT = 256  # samples; two steps are left at the bottleneck


@pytest.fixture
def window(rng):
    """Two short windows and labels for them."""
    return rng.standard_normal((2, 3, SHORT)), rng.uniform(size=(2, 3, SHORT))


def lively(model, rng):
    """Larger weights, so that gradients stand well above rounding, and biases away from zero.

    Where a convolution sees only zeros, a bias of zero would leave a ReLU exactly on its kink.
    """
    for name, array in model.parameters().items():
        array *= 1.4
        if name.endswith((".b", ".bh", ".ba", ".beta")):
            array += 0.1 * rng.standard_normal(array.shape)
    return model


def small_labels(rng, batch, length):
    """Windows, and labels that pull most logits the same way, which makes large gradients."""
    return rng.standard_normal((batch, 3, length)), 0.2 * rng.uniform(size=(batch, 3, length))


@pytest.mark.parametrize("blocks, trained, statistics", [(2, 371_639, 1_856), (3, 376_423, 1_888)])
def test_count_parameters(blocks, trained, statistics):
    model = EQTransformer(lstm_blocks=blocks)
    assert model.count_parameters() == (trained, statistics)
    assert model.vector.shape == model.gradient.shape == (trained,)


def test_forward():
    model = EQTransformer().eval()
    outputs = model.forward(np.random.default_rng(0).standard_normal((2, 3, 6000)).astype("float32"))
    assert [output.shape for output in outputs] == [(2, 6000)] * 3
    assert all(((output > 0) & (output < 1)).all() for output in outputs)


def test_loss_is_the_weighted_sum(window):
    x, labels = window
    model = EQTransformer(length=SHORT, dtype="float64", drop_rate=0.0)
    logits = model.logits(x)
    expected = sum(WEIGHTS[i] * cross_entropy_forward(logits[i], labels[:, i]) for i in range(3))
    assert model.loss(x, labels) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_kept(window, dtype):
    """Whatever the input's type, the network computes in its own."""
    model = EQTransformer(length=SHORT, dtype=dtype)
    for x_dtype in ("float32", "float64"):
        x, labels = (array.astype(x_dtype) for array in window)
        assert isinstance(model.loss(x, labels), float)
        assert model.backward().dtype == dtype
        assert {output.dtype for output in model.forward(x)} == {np.dtype(dtype)}
    arrays = model.parameters() | model.state()
    assert {array.dtype for array in [*arrays.values(), *model.gradients().values()]} == {np.dtype(dtype)}


def test_float32_agrees_with_float64(window):
    x, labels = window
    x, labels = x.astype("float32"), labels.astype("float32")
    single, double = (EQTransformer(length=SHORT, dtype=dtype, drop_rate=0.0) for dtype in ("float32", "float64"))
    np.testing.assert_array_equal(single.vector, double.vector.astype("float32"))
    assert single.loss(x, labels) == pytest.approx(double.loss(x, labels), rel=1e-5)
    single.backward()
    double.backward()
    error = np.linalg.norm(single.gradient - double.gradient) / np.linalg.norm(double.gradient)
    assert error < 1e-3


def test_same_seed_same_network(window):
    x, labels = window
    first, again, other = (EQTransformer(length=SHORT, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.vector, again.vector)
    assert (first.vector != other.vector).mean() > 0.9
    for _ in range(3):
        assert first.loss(x, labels) == again.loss(x, labels)
        first.backward()
        again.backward()
    np.testing.assert_array_equal(first.gradient, again.gradient)


def test_every_training_step_has_its_own_dropout(window):
    x, labels = window
    model = EQTransformer(length=SHORT)
    losses = [model.loss(x, labels) for _ in range(3)]
    assert model.randomness.step == 3 and len(set(losses)) == 3
    model.randomness.step = 1
    assert [model.loss(x, labels) for _ in range(2)] == losses[1:]


def test_evaluation_has_no_dropout_and_moves_nothing(window):
    x, labels = window
    model = EQTransformer(length=SHORT).eval()
    before = {name: array.copy() for name, array in model.state().items()}
    first = model.forward(x)
    np.testing.assert_array_equal(model.forward(x), first)
    assert model.loss(x, labels) == model.loss(x, labels)
    assert model.randomness.step == 0
    for name, array in model.state().items():
        np.testing.assert_array_equal(array, before[name])


def test_sampled_dropout(window):
    """In evaluation, in the ResCNN and nowhere else: the same step gives the same sample, statistics stay put."""
    x, _ = window
    model = EQTransformer(length=SHORT).eval()
    plain, statistics = model.forward(x), {name: array.copy() for name, array in model.state().items()}
    model.sample_dropout()
    samples = []
    for step in (1, 2, 1):
        model.randomness.step = step
        samples.append(model.forward(x))
    assert (samples[0][1] != plain[1]).any() and (samples[0][1] != samples[1][1]).any()
    np.testing.assert_array_equal(samples[2], samples[0])
    active = [path for path, layer in model.layers() if getattr(layer, "sampling", False)]
    assert len(active) == 14 and all(path.startswith("rescnn.") for path in active)
    for name, array in model.state().items():
        np.testing.assert_array_equal(array, statistics[name])
    model.sample_dropout(False)
    np.testing.assert_array_equal(model.forward(x), plain)


def test_training_moves_every_statistic(window):
    model = EQTransformer(length=SHORT)
    before = {name: array.copy() for name, array in model.state().items()}
    model.forward(window[0])
    assert all((array != before[name]).any() for name, array in model.state().items())


def test_gradients_add_up_until_zeroed(window):
    x, labels = window
    model = EQTransformer(length=SHORT, dtype="float64", drop_rate=0.0)
    for _ in range(2):
        model.loss(x, labels)
        model.backward()
    twice = model.gradient.copy()
    model.zero_gradients()
    assert not any(gradient.any() for gradient in model.gradients().values())
    model.loss(x, labels)
    model.backward()
    np.testing.assert_allclose(model.gradient, twice / 2, rtol=1e-9, atol=1e-15)


def test_backward_needs_a_loss(window):
    model = EQTransformer(length=SHORT)
    with pytest.raises(RuntimeError, match=r"EQTransformer\.backward needs a forward in training mode"):
        model.backward()
    model.eval().loss(*window)
    with pytest.raises(RuntimeError):
        model.backward()


def test_config_builds_the_same_network():
    model = EQTransformer(lstm_blocks=3, gate="hard_sigmoid", drop_rate=0.2, seed=4, dtype="float64", length=SHORT)
    again = EQTransformer(**model.config)
    assert again.config == model.config
    np.testing.assert_array_equal(again.vector, model.vector)


@pytest.mark.parametrize("shape", [(2, 3, SHORT + 1), (2, 4, SHORT), (3, SHORT), (2, SHORT, 3)])
def test_input_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"input must be \(batch, 3, 256\)"):
        EQTransformer(length=SHORT).forward(np.zeros(shape))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"lstm_blocks": 0}, "lstm_blocks must be at least 1"),
        ({"gate": "relu"}, "gate must be one of"),
        ({"drop_rate": 1.0}, "dropout rate"),
        ({"seed": -1}, "seed"),
        ({"length": 750}, "a window of 750 samples cannot be decoded"),
    ],
)
def test_impossible_options(options, message):
    with pytest.raises(ValueError, match=message):
        EQTransformer(**options)


def test_labels_of_another_shape(window):
    with pytest.raises(ValueError, match="labels must have the input's shape"):
        EQTransformer(length=SHORT).loss(window[0], window[1][:, :2])


@pytest.mark.parametrize("blocks, gate", [(2, "sigmoid"), (3, "hard_sigmoid")])
def test_gradients_of_every_array(rng, blocks, gate):
    model = lively(EQTransformer(blocks, gate, drop_rate=0.1, dtype="float64", length=SHORT), rng)
    errors = check_loss(model, *small_labels(rng, 2, SHORT), rng)
    assert errors.keys() == model.parameters().keys() | {"x"}
    worst = max(errors, key=errors.__getitem__)
    assert errors[worst] <= TOLERANCE, f"{worst}: relative error {errors[worst]:.1e}"


def test_gradients_of_a_full_window(rng):
    model = lively(EQTransformer(dtype="float64"), rng)
    errors = check_loss(model, *small_labels(rng, 1, 6000), rng, directions=8, by_name=False)
    assert errors.keys() == {"vector", "x"}
    assert max(errors.values()) <= TOLERANCE, errors


def test_every_part_is_a_layer_with_a_name():
    model = EQTransformer()
    assert [name for name, _ in model.children()][:3] == ["encoder", "rescnn", "bilstm"]
    assert all(isinstance(layer, Layer) for _, layer in model.layers())
    assert sum(array.size for array in model.parameters().values()) == model.vector.size
