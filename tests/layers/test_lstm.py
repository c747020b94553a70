"""The LSTM against its equations step by step, both gates, both directions, dropout, and numerical gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
from layer_checks import assert_customs, assert_gradients, disturb

from minieqt.layers.lstm import LSTM, BiLSTM, lstm_forward
from minieqt.philox import Randomness

GATE_DEFINITIONS = {
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "hard_sigmoid": lambda z: min(max(0.2 * z + 0.5, 0.0), 1.0),
}
BOTH_GATES = pytest.mark.parametrize("gate", GATE_DEFINITIONS)
BOTH_DIRECTIONS = pytest.mark.parametrize("directions", [1, 2])


def make(rng, channels, units, drop_rate=0.0, gate="sigmoid", directions=1, disturbance=0.5):
    layer = LSTM(channels, units, rng, Randomness(11), drop_rate, gate, directions)
    return disturb(layer, rng, disturbance)


def recurrence(x, W, U, b, input_mask, state_mask, gate):
    """One sequence, one direction, one unit at a time: x (C, T), W (4H, C), U (4H, H), b (4H) -> (H, T)."""
    H, T = U.shape[1], x.shape[1]
    h, c = [0.0] * H, [0.0] * H
    y = np.zeros((H, T))
    for t in range(T):
        z = [
            b[j]
            + sum(W[j, k] * x[k, t] * input_mask[k] for k in range(x.shape[0]))
            + sum(U[j, k] * h[k] * state_mask[k] for k in range(H))
            for j in range(4 * H)
        ]
        for k in range(H):
            i, f, o = gate(z[k]), gate(z[H + k]), gate(z[3 * H + k])
            c[k] = f * c[k] + i * math.tanh(z[2 * H + k])
            h[k] = o * math.tanh(c[k])
        y[:, t] = h
    return y


@BOTH_GATES
@BOTH_DIRECTIONS
@pytest.mark.parametrize("drop_rate", [0.0, 0.4])
@pytest.mark.parametrize("B, C, H, T", [(1, 1, 1, 1), (2, 3, 2, 7), (1, 2, 4, 4)])
def test_forward(rng, B, C, H, T, drop_rate, directions, gate):
    layer = make(rng, C, H, drop_rate, gate, directions, disturbance=1.5)  # saturates some hard gates
    x = 2 * rng.standard_normal((B, C, T))
    input_mask, state_mask = layer.masks(x)
    if drop_rate == 0:
        assert input_mask is None and state_mask is None
        input_mask, state_mask = np.ones((directions, B, C)), np.ones((directions, B, H))
    y = layer.forward(x)
    assert y.shape == (B, directions * H, T)
    for n, d in np.ndindex(B, directions):
        order = slice(None, None, -1 if d else 1)
        parameters = layer.W[d], layer.U[d], layer.b[d]
        expected = recurrence(
            x[n, :, order], *parameters, input_mask[d, n], state_mask[d, n], GATE_DEFINITIONS[gate]
        )
        np.testing.assert_allclose(y[n, d * H : (d + 1) * H, order], expected, rtol=0, atol=1e-12)


def test_second_direction_is_the_first_on_the_reversed_sequence(rng):
    x = rng.standard_normal((2, 3, 9))
    W, U, b = rng.standard_normal((1, 8, 3)), rng.standard_normal((1, 8, 2)), rng.standard_normal((1, 8))
    both, _ = lstm_forward(x, *(np.concatenate([a, a]) for a in (W, U, b)))
    forward, _ = lstm_forward(x, W, U, b)
    backward, _ = lstm_forward(x[:, :, ::-1], W, U, b)
    np.testing.assert_allclose(both[:, :2], forward, rtol=0, atol=1e-14)
    np.testing.assert_allclose(both[:, 2:], backward[:, :, ::-1], rtol=0, atol=1e-14)


def test_one_direction_cannot_see_the_future(rng):
    layer, x = make(rng, 3, 4), rng.standard_normal((1, 3, 9))
    before = layer.forward(x)
    x[:, :, 5] += 1
    after = layer.forward(x)
    np.testing.assert_array_equal(after[:, :, :5], before[:, :, :5])
    assert (after[:, :, 5:] != before[:, :, 5:]).all()


@BOTH_DIRECTIONS
def test_a_sample_has_its_masks_however_the_batch_is_cut(rng, directions):
    layer, x = make(rng, 3, 4, 0.4, directions=directions), rng.standard_normal((5, 3, 6))
    whole = layer.forward(x)
    randomness = layer.input_dropout.randomness
    randomness.first_sample = 2
    np.testing.assert_allclose(layer.forward(x[2:]), whole[2:], rtol=0, atol=1e-14)
    randomness.first_sample = 0
    assert abs(layer.forward(x[2:]) - whole[2:]).max() > 0.01


def test_evaluation_has_no_dropout(rng):
    layer, x = make(rng, 3, 4, 0.4), rng.standard_normal((2, 3, 6))
    expected, _ = lstm_forward(x, layer.W, layer.U, layer.b)
    np.testing.assert_array_equal(layer.eval().forward(x), expected)
    assert abs(layer.train().forward(x) - expected).max() > 0.01


@BOTH_GATES
@BOTH_DIRECTIONS
@pytest.mark.parametrize("drop_rate", [0.0, 0.4])
@pytest.mark.parametrize("B, C, H, T", [(2, 3, 2, 5), (1, 1, 1, 1), (1, 2, 3, 8), (3, 1, 2, 4)])
def test_gradients(rng, B, C, H, T, drop_rate, directions, gate):
    layer = make(rng, C, H, drop_rate, gate, directions)
    assert_gradients(layer, rng.standard_normal((B, C, T)), rng)


def test_gradients_of_saturated_hard_gates(rng):
    """Some gates lie on the flat pieces of hard_sigmoid, where no gradient passes."""
    layer = make(rng, 3, 4, 0.3, "hard_sigmoid", 2, disturbance=2.0)
    x = rng.standard_normal((2, 3, 6))
    gates = lstm_forward(x, layer.W, layer.U, layer.b, *layer.masks(x), "hard_sigmoid")[1][6]
    assert 0.05 < np.isin(gates, (0, 1)).mean() < 0.9
    assert_gradients(layer, x, rng)


@BOTH_GATES
@BOTH_DIRECTIONS
def test_customs(rng, gate, directions):
    assert_customs(make(rng, 3, 4, 0.4, gate, directions), rng.standard_normal((2, 3, 9)), rng)


def test_bilstm_is_an_lstm_of_two_directions(rng):
    layer = BiLSTM(3, 4, rng, Randomness(0))
    assert layer.W.shape == (2, 16, 3) and layer.U.shape == (2, 16, 4) and layer.b.shape == (2, 16)
    assert layer.forward(rng.standard_normal((2, 3, 5))).shape == (2, 8, 5)


def test_unknown_gate(rng):
    with pytest.raises(ValueError, match="gate must be one of sigmoid, hard_sigmoid, got 'relu'"):
        LSTM(3, 4, rng, Randomness(0), gate="relu")
