"""Numerical against analytical gradients: the test that no hand-written backward can talk its way out of.

A backward claims to know how fast a number L changes when an array θ moves in a direction v; two evaluations of L
measure it:

    ∇L · v   =   dL(θ + ε v) / dε at ε = 0   ≈   (L(θ + ε v) - L(θ - ε v)) / 2ε

The central difference is off by about ε² L''' / 6, and by rounding, about 1e-16 L / ε. In float64 ε = 1e-5 makes both
some 1e-10; in float32 there would be nothing to see. A layer's output is no number, so L = Σ y · cotangent with a
random cotangent, which is the dy that arrives. (Ones would hide bugs: the sum of a normalised signal never changes,
so under them LayerNorm's dx is zero, and a backward that forgets most of it passes.)

At a kink (ReLU at 0, a maximum at a tie) there is no gradient, and a step across one measures the mean of two slopes.
Random inputs lie on no kink, but the more values there are and the more of them a step moves, the likelier one of
them crosses. So a small layer moves one element at a time, by ε = 1e-5; a large one moves whole arrays in a few random
directions, by less, and a network with its hundred thousand kinks by less again, which is paid for in rounding. Of
the directions' errors the median counts: a kink spoils one of them, a bug spoils all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minieqt.layer import Layer

Array = Any

ELEMENT_STEP, ARRAY_STEP, NETWORK_STEP = 1e-5, 1e-7, 1e-8  # ε, for the reasons given above
FLOOR = 1e-2  # a gradient smaller than this part of the largest (zero but for rounding, say) is measured against it


def check_layer(layer: Layer, x: Array, rng: np.random.Generator, directions: int | None = None) -> dict[str, float]:
    """{name of a parameter, or "x": relative error of its gradient} at x, under a random cotangent.

    Every element is moved by itself, or each array in `directions` random directions. The layer is in training mode,
    its arrays and x are float64 (ValueError otherwise); dropout keeps its masks, as only a network's forward draws
    new ones.
    """
    x = x.copy()
    cotangent = rng.standard_normal(layer.forward(x).shape)
    layer.zero_gradients()
    arrays = with_gradients(layer, x, layer.backward(cotangent))
    eps = ELEMENT_STEP if directions is None else ARRAY_STEP
    return compare(lambda: (layer.forward(x) * cotangent).sum(), arrays, rng, directions, eps)


def check_loss(
    model: Any,
    x: Array,
    labels: Array,
    rng: np.random.Generator,
    directions: int = 3,
    by_name: bool = True,
) -> dict[str, float]:
    """{name of a parameter, or "x": relative error} of a network's `backward` after `loss(x, labels)`.

    Each array is moved in `directions` random directions; `by_name=False` moves all parameters together, as "vector",
    which takes two evaluations where one by one takes hundreds. Otherwise as in `check_layer`: training mode, float64,
    and every evaluation has the dropout masks of the network's next step.
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
    return compare(loss, arrays, rng, directions, NETWORK_STEP)


def with_gradients(layer: Layer, x: Array, dx: Array) -> dict[str, tuple[Array, Array]]:
    """{name: (array, its gradient)} of a layer's parameters and its input."""
    gradients = layer.gradients()
    return {name: (array, gradients[name]) for name, array in layer.parameters().items()} | {"x": (x, dx)}


def compare(
    value: Callable[[], float],
    arrays: dict[str, tuple[Array, Array]],
    rng: np.random.Generator,
    directions: int | None,
    eps: float,
) -> dict[str, float]:
    """{name: |a - n| / max(|a|, |n|, floor)} for {name: (array, its gradient)}; value() is a function of the arrays.

    a are the analytical slopes and n the numerical ones, element by element or direction by direction; |·| is the
    norm or the median; the floor a hundredth of the largest |n|. ValueError if an array is not float64.
    """
    size = np.linalg.norm if directions is None else median_size
    slopes = {}
    for name, (array, gradient) in arrays.items():
        if array.dtype != np.float64:
            raise ValueError(f"gradients are checked in float64, {name} is {array.dtype}")
        moves = single_elements(array) if directions is None else random_directions(array, directions, rng)
        pairs = [((gradient * move).sum(), slope(value, array, move, eps)) for move in moves]
        slopes[name] = np.array(pairs).T
    floor = FLOOR * max(size(n) for _, n in slopes.values())
    scale = {name: max(size(a), size(n), floor) for name, (a, n) in slopes.items()}
    return {name: float(size(a - n) / scale[name]) if scale[name] else 0.0 for name, (a, n) in slopes.items()}


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


def random_directions(array: Array, count: int, rng: np.random.Generator) -> Iterator[Array]:
    """`count` directions of standard normal numbers."""
    for _ in range(count):
        yield rng.standard_normal(array.shape)


def median_size(values: Array) -> float:
    """The median magnitude."""
    return float(np.median(abs(values)))
