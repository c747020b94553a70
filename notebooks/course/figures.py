"""Figures of the chapters that are no figures of the package, and `show`, which puts any figure into a notebook."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minieqt.gradcheck import slope
from minieqt.plots import BLACK, BLUE, GREEN, ORANGE, SAMPLING_RATE, VERMILION, mark_arrivals, new_figure

Array = Any

PALETTE = (BLUE, VERMILION, GREEN, ORANGE, BLACK)
STYLES = ("-", "--", "-.", ":", "-")
DPI = 100
STATIC = "MINIEQT_STATIC"  # where it is set, nobody is there to move a slider


def show(figure: Any) -> None:
    """Draw a figure below the cell."""
    from IPython.display import display

    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI)
    title = figure.get_suptitle() or next((axes.get_title() for axes in figure.axes if axes.get_title()), "figure")
    display({"image/png": picture.getvalue(), "text/plain": f"<{title}>"}, raw=True)


def slide(draw: Callable[[Any], Any], values: Sequence[Any], start: Any, label: str) -> None:
    """The figure draw(value) with a slider for the value; without ipywidgets, or unattended, for `start` alone."""
    try:
        if STATIC in os.environ:
            raise ImportError
        from ipywidgets import SelectionSlider, interact
    except ImportError:
        show(draw(start))
        return
    slider = SelectionSlider(
        options=values, value=start, description=label, continuous_update=False, style={"description_width": "initial"}
    )
    interact(lambda value: show(draw(value)), value=slider)


def plot_traces(
    traces: Mapping[str, Array],
    title: str = "",
    arrivals: Mapping[str, float] | None = None,
    start: float = 0.0,
    rate: float = SAMPLING_RATE,
    unit: str = "",
) -> Any:
    """One panel a trace, on one time axis; {name: (N,)}; `rate` in Hz, `start` and arrivals in samples."""
    figure = new_figure(figsize=(8, 0.9 + 1.05 * len(traces)))
    panels = figure.subplots(len(traces), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, trace) in zip(panels, traces.items(), strict=True):
        axes.plot((start + np.arange(len(trace))) / rate, trace, color=BLACK, linewidth=0.7)
        axes.set_ylabel(f"{name} ({unit})" if unit else name)
        axes.margins(x=0)
        mark_arrivals(axes, dict(arrivals or {}), {})
    panels[-1].set_xlabel("time (s)")
    figure.align_ylabels(panels)
    handles, labels = panels[-1].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize="small")
    figure.suptitle(title)
    return figure


def plot_attention(trace: Array, arrivals: Mapping[str, float], weights: Array, title: str) -> Any:
    """A trace (T,) with its arrivals, {"P": sample, "S": sample}, and below it what each step looks at.

    weights (steps, steps): a row is the step that looks, a column the step looked at.
    """
    steps, seconds = len(weights), len(trace) / SAMPLING_RATE
    figure = new_figure(figsize=(7, 4.2))
    wave, map_ = figure.subplots(2, 1, sharex=True, height_ratios=(1, 3))
    wave.plot(np.arange(len(trace)) / SAMPLING_RATE, trace, color=BLACK, linewidth=0.5)
    mark_arrivals(wave, dict(arrivals), {})
    wave.legend(loc="upper left", frameon=False, fontsize="small")
    wave.set(title=title, yticks=())
    image = map_.imshow(weights, aspect="auto", origin="lower", cmap="cividis", vmin=0, extent=(0, seconds, 0, seconds))
    map_.set(xlabel="time looked at (s)", ylabel="time of the step that looks (s)", xlim=(0, seconds))
    figure.colorbar(image, ax=map_, label=f"attention over {steps} steps")
    return figure


def plot_kernel(kernels: Mapping[str, Array], title: str) -> Any:
    """Small sequences side by side as stems: {name: (K,)}."""
    figure = new_figure(figsize=(8, 2.2))
    for axes, (name, kernel) in zip(
        figure.subplots(1, len(kernels), squeeze=False)[0], kernels.items(), strict=True
    ):
        axes.stem(np.arange(len(kernel)), kernel, basefmt="k-")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set(title=name, xlabel="tap")
    figure.suptitle(title)
    return figure


def step_errors(
    value: Callable[[], float],
    arrays: Mapping[str, tuple[Array, Array]],
    rng: np.random.Generator,
    steps: Sequence[float] = tuple(10.0 ** np.arange(-12, 0.5, 0.5)),
) -> Any:
    """The error of a numerical gradient against its step, for {name: (array, its gradient)}: a curve for each.

    Each array moves in one random direction. A right gradient gives a valley: rounding on its left, curvature on its
    right. A wrong one gives a floor that no step gets below. Errors are relative to the larger of the two slopes.
    """
    figure = new_figure(figsize=(7, 3))
    axes = figure.subplots()
    for (name, (array, gradient)), colour, style in zip(arrays.items(), PALETTE, STYLES, strict=False):
        direction = rng.standard_normal(array.shape)
        expected = float((gradient * direction).sum())
        measured = np.array([slope(value, array, direction, step) for step in steps])
        errors = abs(measured - expected) / np.maximum(np.maximum(abs(measured), abs(expected)), 1e-300)
        axes.loglog(steps, np.maximum(errors, 1e-17), style, color=colour, marker=".", label=name)
    axes.set(xlabel="step ε", ylabel="relative error", title="Numerical against analytical gradient")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 1e-12), max(high, 10))  # a floor looks like one, also where nothing else is drawn
    axes.legend(frameon=False)
    axes.grid(alpha=0.3, linewidth=0.5)
    return figure
