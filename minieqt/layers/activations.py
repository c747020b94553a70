"""Activation functions, element by element, on arrays of any shape. Each derivative is written from the output y.

relu           y = max(x, 0)                          dy/dx = 1 where y > 0
sigmoid        y = 1 / (1 + e^-x)                     dy/dx = y (1 - y)
tanh           y = tanh x                             dy/dx = 1 - y²
hard_sigmoid   y = clip(0.2 x + 0.5, 0, 1)            dy/dx = 0.2 where 0 < y < 1      (Keras 2's gate)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minieqt.backend import array_module
from minieqt.layer import Layer

Array = Any


def relu_forward(x: Array) -> Array:
    """x -> max(x, 0)."""
    return array_module(x).maximum(x, 0)


def relu_backward(dy: Array, y: Array) -> Array:
    """dy, and the output y -> dx."""
    return dy * (y > 0)


def sigmoid_forward(x: Array) -> Array:
    """x -> 1 / (1 + e^-x), written with tanh because that neither overflows nor branches."""
    return 0.5 * (1 + array_module(x).tanh(0.5 * x))


def sigmoid_backward(dy: Array, y: Array) -> Array:
    """dy, and the output y -> dx."""
    return dy * y * (1 - y)


def tanh_forward(x: Array) -> Array:
    """x -> tanh x."""
    return array_module(x).tanh(x)


def tanh_backward(dy: Array, y: Array) -> Array:
    """dy, and the output y -> dx."""
    return dy * (1 - y * y)


def hard_sigmoid_forward(x: Array) -> Array:
    """x -> clip(0.2 x + 0.5, 0, 1): three straight lines, as Keras 2 defines it."""
    return array_module(x).clip(0.2 * x + 0.5, 0, 1)


def hard_sigmoid_backward(dy: Array, y: Array) -> Array:
    """dy, and the output y -> dx."""
    return dy * (0.2 * ((y > 0) & (y < 1))).astype(dy.dtype)


# The two functions that an LSTM's gates may use, by the name in a network's configuration.
GATES: dict[str, tuple[Callable, Callable]] = {
    "sigmoid": (sigmoid_forward, sigmoid_backward),
    "hard_sigmoid": (hard_sigmoid_forward, hard_sigmoid_backward),
}


class Activation(Layer):
    """Any of the above as a layer: a pair of functions, applied element by element."""

    def __init__(self, forward: Callable, backward: Callable):
        super().__init__()
        self.function, self.derivative = forward, backward

    def forward(self, x: Array) -> Array:
        """x -> y of the same shape."""
        y = self.function(x)
        self.keep(y)
        return y

    def backward(self, dy: Array) -> Array:
        """dy -> dx of the same shape."""
        return self.derivative(dy, self.take())


class ReLU(Activation):
    """max(x, 0)."""

    def __init__(self) -> None:
        super().__init__(relu_forward, relu_backward)


class Sigmoid(Activation):
    """1 / (1 + e^-x)."""

    def __init__(self) -> None:
        super().__init__(sigmoid_forward, sigmoid_backward)


class Tanh(Activation):
    """tanh x."""

    def __init__(self) -> None:
        super().__init__(tanh_forward, tanh_backward)


class HardSigmoid(Activation):
    """clip(0.2 x + 0.5, 0, 1)."""

    def __init__(self) -> None:
        super().__init__(hard_sigmoid_forward, hard_sigmoid_backward)
