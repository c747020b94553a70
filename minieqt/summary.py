"""What a network is made of: one line for each layer that runs by itself, its output's shape and its size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minieqt.backend import array_module

Array = Any

HEADER = ("layer", "kind", "output", "trained", "statistics")


def summarise(model: Any) -> str:
    """A table of an EQTransformer's layers, in the order in which they run, and the totals below it.

    `output` is (channels, samples) of one window, found by running one through the network; a layer that runs inside
    another (a convolution inside an encoder stage) is counted there. The model keeps its mode.
    """
    shapes = output_shapes(model)
    rows = [HEADER]
    for path, layer in model.layers():
        if path in shapes and not any(other.startswith(f"{path}.") for other in shapes):
            trained, statistics = layer.count_parameters()
            rows.append((path, type(layer).__name__, str(shapes[path]), f"{trained:,}", f"{statistics:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [
        "  ".join(
            [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
            + [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        )
        for row in rows
    ]
    trained, statistics = model.count_parameters()
    rule = "-" * len(lines[0])
    total = f"{trained:,} trained parameters and {statistics:,} batch-normalisation statistics"
    return "\n".join([lines[0], rule, *lines[1:], rule, total])


def output_shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """{path: shape without the batch} of every layer whose forward is called when one window runs through."""
    shapes: dict[str, tuple[int, ...]] = {}
    layers = [(path, layer) for path, layer in model.layers() if path]
    modes = [layer.training for _, layer in model.layers()]
    for path, layer in layers:
        # The attribute hides the method. Blocks that would run all stages in one call run them one by one.
        layer.forward = noting(getattr(layer, "step_by_step", layer.forward), path, shapes)
    try:
        model.eval().logits(array_module(model.vector).zeros((1, 3, model.length), np.float32))
    finally:
        for _, layer in layers:
            del layer.forward
        for (_, layer), training in zip(model.layers(), modes, strict=True):
            layer.training = training
    return shapes


def noting(
    forward: Callable[[Array], Array], path: str, shapes: dict[str, tuple[int, ...]]
) -> Callable[[Array], Array]:
    """`forward`, which also notes its output's shape."""

    def noted(x: Array) -> Array:
        y = forward(x)
        shapes[path] = y.shape[1:]
        return y

    return noted
