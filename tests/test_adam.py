"""Adam against its equations in loops, the penalties, Keras's epsilon, and a state that can be taken up again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from minieqt import EQTransformer
from minieqt.adam import BETA1, BETA2, EPS, Adam, adam_step


def make(learning_rate=1e-3, dtype="float64"):
    return Adam(EQTransformer(length=128, dtype=dtype), learning_rate)


def adam_of_one(theta, gradients, l1, l2, learning_rate):
    """One number after several steps, as Kingma & Ba write it, with Keras's place for epsilon."""
    m = v = 0.0
    for t, gradient in enumerate(gradients, start=1):
        g = gradient + l1 * np.sign(theta) + 2 * l2 * theta
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        theta -= learning_rate * m_hat / (math.sqrt(v_hat) + 1e-7 / math.sqrt(1 - 0.999**t))
    return theta


def test_constants():
    assert (BETA1, BETA2, EPS) == (0.9, 0.999, 1e-7)


def test_steps(rng):
    theta, gradients = rng.standard_normal(5), rng.standard_normal((6, 5))
    l1, l2 = np.array([0, 0.1, 0, 0.1, 0]), np.array([0, 0, 0.2, 0.2, 0])
    gradients[:, 4] = 0  # no gradient and no penalty: nothing moves
    moved, m, v = theta.copy(), np.zeros(5), np.zeros(5)
    for t, gradient in enumerate(gradients, start=1):
        adam_step(moved, gradient, m, v, l1, l2, t, 0.01)
    expected = [adam_of_one(theta[i], gradients[:, i], l1[i], l2[i], 0.01) for i in range(5)]
    np.testing.assert_allclose(moved, expected, rtol=1e-12)
    assert moved[4] == theta[4]


def test_first_step_is_the_learning_rate_against_the_sign(rng):
    """Whatever the size of the gradient, as long as epsilon is small beside it."""
    theta, gradient, zero = np.zeros(4), np.array([1e3, -1.0, 1e-2, 0.0]), np.zeros(4)
    adam_step(theta, gradient, np.zeros(4), np.zeros(4), zero, zero, 1, 0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01, -0.01, 0], rtol=1e-3)


def test_gradient_is_left_alone(rng):
    gradient, one = rng.standard_normal(4), np.ones(4)
    before = gradient.copy()
    adam_step(one.copy(), gradient, np.zeros(4), np.zeros(4), one, one, 1, 0.01)
    np.testing.assert_array_equal(gradient, before)


def test_moves_the_network(rng):
    adam = make(0.01)
    model_weights = adam.theta
    before = model_weights.copy()
    adam.gradient[...] = rng.standard_normal(adam.gradient.size)
    adam.step()
    assert adam.t == 1 and adam.theta is model_weights
    assert 0 < abs(model_weights - before).max() <= 0.01 * (1 + 1e-9)


def test_parameters_of_the_network_move_with_the_vector():
    model = EQTransformer(length=128)
    weight = model.encoder.stages[0].conv.W
    before = weight.copy()
    model.gradient[...] = 1
    Adam(model, 0.01).step()
    np.testing.assert_allclose(weight, before - 0.01, rtol=0, atol=1e-5)


def test_penalties():
    """L2 1e-6 on the kernels and L1 1e-4 on the biases of encoder and decoders, nothing elsewhere."""
    model = EQTransformer(length=128, dtype="float64")
    model.vector[...] = 2
    kernels = biases = 0
    for name, array in model.parameters().items():
        if ".stages." in name:
            kernels += array.size * name.endswith(".W")
            biases += array.size * name.endswith(".b")
    assert Adam(model).penalty() == pytest.approx(1e-6 * 4 * kernels + 1e-4 * 2 * biases, rel=1e-5)
    assert biases == 232 + 3 * 232  # filters of seven stages, in the encoder and in three decoders


def test_penalties_pull_towards_zero():
    model = EQTransformer(length=128, dtype="float64")
    conv, head = model.encoder.stages[0].conv, model.detection.head
    conv.b[...] = head.b[...] = 0.5
    before = conv.W.copy()
    Adam(model, 1e-3).step()
    assert (conv.b < 0.5).all() and (head.b == 0.5).all()
    assert (abs(conv.W) < abs(before)).all()


def test_state_can_be_taken_up_again(rng):
    gradients = rng.standard_normal((6, make().theta.size))
    straight, interrupted, resumed = make(), make(), make()
    for adam, steps in ((straight, gradients), (interrupted, gradients[:3])):
        for gradient in steps:
            adam.gradient[...] = gradient
            adam.step()
    resumed.theta[...] = interrupted.theta
    resumed.load({name: np.array(value) for name, value in interrupted.state().items()})
    for gradient in gradients[3:]:
        resumed.gradient[...] = gradient
        resumed.step()
    np.testing.assert_array_equal(resumed.theta, straight.theta)


def test_state_of_another_network():
    with pytest.raises(ValueError, match="optimiser state of 3 values"):
        make().load({"m": np.zeros(3), "v": np.zeros(3), "t": 1})


def test_float32_is_kept(rng):
    adam = make(dtype="float32")
    adam.gradient[...] = 1
    adam.step()
    assert {a.dtype for a in (adam.theta, adam.m, adam.v, adam.l1, adam.l2)} == {np.dtype("float32")}
