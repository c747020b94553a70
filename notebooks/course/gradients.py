"""Backward passes that a student has written: each is measured, and its curve drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from course.checking import Wrong
from course.figures import show, step_errors
from course.mistakes import likely_mistake
from minieqt.gradcheck import STEP, norm, relative, single_elements, slope

Array = Any

TOLERANCE = 1e-6


class Curves(NamedTuple):
    """What a backward claims: value() is a function of the arrays, {name: (array, its gradient)}."""

    value: Callable[[], float]
    arrays: Mapping[str, tuple[Array, Array]]

    def show(self, whose: str) -> None:
        """The error of each gradient against the step, below the cell."""
        figure = step_errors(self.value, self.arrays, np.random.default_rng(0))
        figure.axes[0].set_title(f"Numerical against analytical gradient: {whose}")
        show(figure)


def expect_gradients(value: Callable[[], float], arrays: Mapping[str, tuple[Array, Array]]) -> Curves:
    """Every gradient must be what moving its array, element by element, measures; {name: (array, its gradient)}."""
    arrays = {name: (array, np.asarray(gradient)) for name, (array, gradient) in arrays.items()}
    for name, (array, gradient) in arrays.items():
        slopes = np.reshape([slope(value, array, move, STEP) for move in single_elements(array)], array.shape)
        mistake = likely_mistake(gradient, slopes)
        because = f"; {mistake}" if mistake else ""
        if gradient.shape != array.shape:
            raise Wrong(f"d{name} has shape {gradient.shape}, and {name} {array.shape}{because}")
        error = relative(norm(gradient - slopes), max(norm(gradient), norm(slopes)))
        if not error < TOLERANCE:
            drawable = Curves(value, arrays) if all(a.shape == g.shape for a, g in arrays.values()) else None
            percent = f"{100 * error:.0f}" if error > 0.1 else f"{100 * error:.2g}"
            raise Wrong(
                f"the curve of d{name} has no valley, and over all its elements it is off by {percent} %{because}",
                drawable,
            )
    return Curves(value, arrays)
