"""Numerical against analytical gradients: the test of every hand-written backward.

A backward gives the rate at which a number L changes when an array θ moves in a direction v; two evaluations of L
measure it:

    ∇L · v   =   dL(θ + ε v) / dε at ε = 0   ≈   (L(θ + ε v) - L(θ - ε v)) / 2ε

The central difference is off by about ε² L‴ / 6, and by rounding, about 1e-16 L / ε. In float64 ε = 1e-5 makes both
about 1e-10; in float32 rounding would drown the difference. A layer's output is an array, so L = Σ y · cotangent with
a random cotangent, which is the dy that arrives. (Ones would hide bugs: the sum of a normalised signal never changes,
so with them LayerNorm's dx is zero, and a backward that leaves most of it out passes.)

At a kink (ReLU at 0, a maximum at a tie) there is no gradient, and a step across one measures the mean of two slopes.
Random inputs lie on no kink, but the more values there are and the further a step moves them, the likelier one of them
crosses. A small layer can move one element at a time. A large one, and a network with its hundred thousand kinks,
moves whole arrays in a few random directions, each just far enough to change L by about 1e-8, and the smallest of
the directions' errors counts: a kink spoils some of them, a bug in backward spoils them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minieqt.layer import Layer

Array = Any

STEP = 1e-5  # ε where one element moves
CHANGE = 1e-8  # of L where a whole array moves
FLOOR = 1e-2  # a gradient smaller than this part of the largest (zero but for rounding, say) is measured against it


def check_layer(layer: Layer, x: Array, rng: np.random.Generator, directions: int | None = None) -> dict[str, float]:
    """{name of a parameter, or "x": relative error of its gradient} at x, under a random cotangent.

    Every element is moved by itself, or each array in `directions` random directions. The layer is in training mode,
    its arrays and x are float64 (ValueError otherwise); dropout keeps its masks, as only a network's forward draws
    new ones.
    """
    x = x.copy()
    y = layer.forward(x)
    cotangent = rng.standard_normal(y.shape) / np.sqrt(y.size)  # so that L is of the order of y
    layer.zero_gradients()
    arrays = with_gradients(layer, x, layer.backward(cotangent))
    return compare(lambda: float((layer.forward(x) * cotangent).sum()), arrays, rng, directions)


def check_loss(
    model: Any, x: Array, labels: Array, rng: np.random.Generator, directions: int = 4, by_name: bool = True
) -> dict[str, float]:
    """{name of a parameter, or "x": relative error} of a network's `backward` after `loss(x, labels)`.

    Each array is moved in `directions` random directions; `by_name=False` moves all parameters together, as "vector",
    which takes a few evaluations where one by one takes hundreds. Otherwise as in `check_layer`: training mode,
    float64, and every evaluation has the dropout masks of the network's next step.
    """
    x, step = x.copy(), model.randomness.step

    def loss() -> float:
        model.randomness.step = step
        return model.loss(x, labels)

    loss()
    model.zero_gradients()
    arrays = with_gradients(model, x, model.backward())
    if not by_name:
        arrays = {"vector": (model.vector, model.gradient), "x": arrays["x"]}
    return compare(loss, arrays, rng, directions)


def with_gradients(layer: Layer, x: Array, dx: Array) -> dict[str, tuple[Array, Array]]:
    """{name: (array, its gradient)} of a layer's parameters and its input."""
    gradients = layer.gradients()
    return {name: (array, gradients[name]) for name, array in layer.parameters().items()} | {"x": (x, dx)}


def compare(
    value: Callable[[], float],
    arrays: dict[str, tuple[Array, Array]],
    rng: np.random.Generator,
    directions: int | None = None,
) -> dict[str, float]:
    """{name: relative error} for {name: (array, its gradient)}, where value() is a function of the arrays.

    The error is |a - n| / max(|∇L|, |n|, floor) with the analytical and the numerical slopes a and n, by norm over all
    elements or the smallest of some directions. ValueError if an array is not float64.
    """
    floor = FLOOR * max(norm(gradient) for _, gradient in arrays.values())
    errors = {}
    for name, (array, gradient) in arrays.items():
        if array.dtype != np.float64:
            raise ValueError(f"gradients are checked in float64, {name} is {array.dtype}")
        size = max(norm(gradient), floor)
        if directions is None:
            slopes = np.reshape([slope(value, array, move, STEP) for move in single_elements(array)], array.shape)
            errors[name] = relative(norm(gradient - slopes), max(size, norm(slopes)))
        else:
            tried = []
            for _ in range(directions):
                move = rng.standard_normal(array.shape)
                n = slope(value, array, move, CHANGE / (size or 1))
                tried.append(relative(abs(float((gradient * move).sum()) - n), max(size, abs(n))))
            errors[name] = min(tried)
    return errors


def slope(value: Callable[[], float], array: Array, direction: Array, eps: float) -> float:
    """How fast value() changes as an array moves in a direction of its own shape; the array is put back."""
    start = array.copy()
    array[...] = start + eps * direction
    above = value()
    array[...] = start - eps * direction
    below = value()
    array[...] = start
    return (above - below) / (2 * eps)


def single_elements(array: Array) -> Iterator[Array]:
    """One direction for each element: one there, zero elsewhere."""
    for i in range(array.size):
        direction = np.zeros(array.shape)
        direction.flat[i] = 1
        yield direction


def norm(array: Array) -> float:
    """√(Σ of squares)."""
    return float(np.linalg.norm(array))


def relative(error: float, size: float) -> float:
    """error / size, and zero where nothing is compared with nothing."""
    return error / size if size else 0.0
