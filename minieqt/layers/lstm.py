"""Long short-term memory (Hochreiter & Schmidhuber 1997), one direction or both, and backpropagation through time.

    z_t = W (x_t · m_x) + U (h_{t-1} · m_h) + b          (4H), four blocks of H in Keras's order: i, f, c, o
    i, f, o = gate(z_i), gate(z_f), gate(z_o),   g = tanh(z_c)
    c_t = f · c_{t-1} + i · g,    h_t = o · tanh(c_t),      h_{-1} = c_{-1} = 0

x (B, C, T) -> h (B, D·H, T). D is the number of directions: the second, if there is one, reads the sequence from
its end, and its output is reversed again, so that both are of the same t (Keras's Bidirectional, concat).
W (D, 4H, C), U (D, 4H, H), b (D, 4H). Dropout masks m_x (D, B, C) and m_h (D, B, H) are one per sequence, the same
at every step (Gal & Ghahramani 2016). W x does not depend on h, so it is one product for all t, outside the loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minieqt.backend import accelerated, array_module
from minieqt.initialise import xavier_normal
from minieqt.layer import Layer
from minieqt.layers.activations import GATES, tanh_backward
from minieqt.layers.dropout import Dropout
from minieqt.philox import Randomness

Array = Any


def split_directions(x: Array, D: int) -> Array:
    """x (B, C, T) -> (D, B, C, T): x as it is, and for D = 2 also x reversed in time."""
    return array_module(x).stack([x, x[:, :, ::-1]][:D])


def join_directions(h: Array) -> Array:
    """h (T, D, B, H), each direction in its own time -> (B, D·H, T) in the sequence's time."""
    xp = array_module(h)
    directions = [h[:, 0], h[::-1, 1]] if h.shape[1] == 2 else [h[:, 0]]
    return xp.ascontiguousarray(xp.concatenate(directions, axis=2).transpose(1, 2, 0))


@accelerated
def lstm_forward(
    x: Array,
    W: Array,
    U: Array,
    b: Array,
    input_mask: Array | None = None,
    state_mask: Array | None = None,
    gate: str = "sigmoid",
) -> tuple[Array, Any]:
    """The equations above: x (B, C, T) -> h (B, D·H, T), cache. Masks (D, B, C) and (D, B, H) or None."""
    xp = array_module(x)
    gate_function, _ = GATES[gate]
    (B, _, T), (D, _, H) = x.shape, U.shape
    inputs = split_directions(x, D)
    if input_mask is not None:
        inputs = inputs * input_mask[..., None]
    z_input = (W[:, None] @ inputs + b[:, None, :, None]).transpose(3, 0, 1, 2)  # (T, D, B, 4H)
    gates = xp.empty((T, D, B, 4 * H), x.dtype)
    c = xp.zeros((T + 1, D, B, H), x.dtype)  # c[0] and h[0] are the zero state before the first step
    h = xp.zeros((T + 1, D, B, H), x.dtype)
    for t in range(T):
        h_dropped = h[t] if state_mask is None else h[t] * state_mask
        z = z_input[t] + h_dropped @ U.transpose(0, 2, 1)
        gates[t, ..., : 2 * H] = gate_function(z[..., : 2 * H])
        gates[t, ..., 2 * H : 3 * H] = xp.tanh(z[..., 2 * H : 3 * H])
        gates[t, ..., 3 * H :] = gate_function(z[..., 3 * H :])
        i, f, g, o = (gates[t, ..., k * H : (k + 1) * H] for k in range(4))
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * xp.tanh(c[t + 1])
    return join_directions(h[1:]), (inputs, W, U, input_mask, state_mask, gate, gates, c, h)


@accelerated
def lstm_backward(dh: Array, cache: Any) -> tuple[Array, Array, Array, Array]:
    """dh (B, D·H, T) -> dx (B, C, T), dW (D, 4H, C), dU (D, 4H, H), db (D, 4H).

    Time runs backwards: dh_t is what arrives from above plus what comes from step t + 1 through U, and
        dc_t = dh_t o (1 - tanh²c_t) + dc_{t+1} f_{t+1},      dz_t = the gates' derivatives times their gradients.
    The weights' gradients and dx are products over all t at once, after the loop.
    """
    inputs, W, U, input_mask, state_mask, gate, gates, c, h = cache
    xp = array_module(dh)
    _, gate_derivative = GATES[gate]
    D, B, H = h.shape[1:]
    T = h.shape[0] - 1
    arriving = split_directions(dh, D)  # row d in the time of direction d, whose units are then cut out of it
    arriving = xp.stack([arriving[d, :, d * H : (d + 1) * H] for d in range(D)]).transpose(3, 0, 1, 2)
    tanh_c = xp.tanh(c)
    dz = xp.empty_like(gates)
    dh_next = dc_next = xp.zeros_like(h[0])
    for t in reversed(range(T)):
        i, f, g, o = (gates[t, ..., k * H : (k + 1) * H] for k in range(4))
        dh_t = arriving[t] + dh_next
        dc = tanh_backward(dh_t * o, tanh_c[t + 1]) + dc_next
        dz[t, ..., 0 * H : 1 * H] = gate_derivative(dc * g, i)
        dz[t, ..., 1 * H : 2 * H] = gate_derivative(dc * c[t], f)
        dz[t, ..., 2 * H : 3 * H] = tanh_backward(dc * i, g)
        dz[t, ..., 3 * H : 4 * H] = gate_derivative(dh_t * tanh_c[t + 1], o)
        dc_next = dc * f
        dh_next = dz[t] @ U
        if state_mask is not None:
            dh_next = dh_next * state_mask

    h_dropped = h[:-1] if state_mask is None else h[:-1] * state_mask
    dz_steps = dz.transpose(1, 3, 0, 2).reshape(D, 4 * H, T * B)
    dU = dz_steps @ h_dropped.transpose(1, 0, 2, 3).reshape(D, T * B, H)
    dW = dz_steps @ inputs.transpose(0, 3, 1, 2).reshape(D, T * B, -1)
    dx = W.transpose(0, 2, 1)[:, None] @ dz.transpose(1, 2, 3, 0)  # (D, B, C, T)
    if input_mask is not None:
        dx = dx * input_mask[..., None]
    dx = dx[0] if D == 1 else dx[0] + dx[1, :, :, ::-1]
    return dx, dW, dU, dz.sum(axis=(0, 2))


class LSTM(Layer):
    """`units` cells per direction over `channels` channels; dropout of inputs and of the recurrent state."""

    W: Array
    dW: Array
    U: Array
    dU: Array
    b: Array
    db: Array

    def __init__(
        self,
        channels: int,
        units: int,
        rng: np.random.Generator,
        randomness: Randomness,
        drop_rate: float = 0.0,
        gate: str = "sigmoid",
        directions: int = 1,
    ):
        super().__init__()
        if gate not in GATES:
            raise ValueError(f"gate must be one of {', '.join(GATES)}, got {gate!r}")
        D, H = directions, units
        self.add_parameter("W", xavier_normal(rng, (D, 4 * H, channels), channels, 4 * H))
        self.add_parameter("U", xavier_normal(rng, (D, 4 * H, H), H, 4 * H))
        self.add_parameter("b", np.zeros((D, 4 * H)))
        self.input_dropout = Dropout(drop_rate, randomness)
        self.state_dropout = Dropout(drop_rate, randomness)
        self.gate = gate

    def masks(self, x: Array) -> tuple[Array | None, Array | None]:
        """m_x (D, B, C) and m_h (D, B, H), or None; drawn sample by sample so that a batch may be cut up."""
        (B, C, _), (D, _, H) = x.shape, self.U.shape
        input_mask = self.input_dropout.mask((B, D, C), x)
        state_mask = self.state_dropout.mask((B, D, H), x)
        if input_mask is None or state_mask is None:
            return None, None
        return input_mask.transpose(1, 0, 2), state_mask.transpose(1, 0, 2)

    def forward(self, x: Array) -> Array:
        """x (B, C, T) -> h (B, D·H, T)."""
        y, cache = lstm_forward(x, self.W, self.U, self.b, *self.masks(x), self.gate)
        self.keep(cache)
        return y

    def backward(self, dy: Array) -> Array:
        """dy (B, D·H, T) -> dx (B, C, T); adds to dW, dU and db."""
        dx, dW, dU, db = lstm_backward(dy, self.take())
        self.accumulate(W=dW, U=dU, b=db)
        return dx


class BiLSTM(LSTM):
    """An LSTM of two directions: (B, C, T) -> (B, 2H, T), forward units first."""

    def __init__(
        self,
        channels: int,
        units: int,
        rng: np.random.Generator,
        randomness: Randomness,
        drop_rate: float = 0.0,
        gate: str = "sigmoid",
    ):
        super().__init__(channels, units, rng, randomness, drop_rate, gate, directions=2)
