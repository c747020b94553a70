"""Figures: how training went, a window with its probabilities and picks, and what other figures share with them.

They are matplotlib Figures that belong to no global state; `save_figure` writes one, a notebook shows it. Colours are
those of Okabe & Ito (2008), which colour-blind readers can tell apart; P and S also differ in their line style.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minieqt.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = Any

SAMPLING_RATE = 100.0  # Hz
BLACK, ORANGE, BLUE, GREEN, VERMILION = "#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00"
SKY, PURPLE = "#56B4E9", "#CC79A7"
COLOURS = {"detection": GREEN, "P": BLUE, "S": VERMILION}
STYLES = {"detection": "-", "P": "-", "S": "--"}
COMPONENTS = "ENZ"


def new_figure(*args: Any, **kwargs: Any) -> Figure:
    """An empty figure; matplotlib is imported here, when the first one is drawn."""
    from matplotlib.figure import Figure

    return Figure(*args, layout="constrained", **kwargs)


def save_figure(figure: Figure, path: Path | str) -> None:
    """Write a figure in the format of its suffix, whole or not at all."""
    path = Path(path)
    with atomic_write(path) as partial:
        figure.savefig(partial, format=path.suffix.lstrip("."), dpi=150)


def shared_legend(figure: Figure, panels: Any) -> None:
    """One legend below the panels, of what stands in any of them."""
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if found:
        columns = len(found) if len(found) < 6 else 4
        figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=columns, frameon=False)


def add_scale(axes: Any, cosine: float) -> None:
    """A bar of a round number of kilometres, in the lower left corner of a map; cosine: of its latitude."""
    west, east = axes.get_xlim()
    width = (east - west) * 111.19 * cosine
    length = max(step * 10**power for power in range(-2, 5) for step in (1, 2, 5) if step * 10**power <= width / 3)
    south, north = axes.get_ylim()
    x, y = west + 0.04 * (east - west), south + 0.04 * (north - south)
    axes.plot([x, x + length / (111.19 * cosine)], [y, y], color=BLACK, linewidth=2, solid_capstyle="butt")
    axes.annotate(f"{length:g} km", (x, y), (0, 4), textcoords="offset points", fontsize=8)


def learning_curves(history: Any, best: int | None = None) -> Figure:
    """Training and validation loss by epoch, the best epoch marked, and the learning rate below.

    history: a `History` of at least one epoch; best: the index of the best, by default that of the lowest loss.
    """
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    epoch, loss, validation = (history.column(name) for name in ("epoch", "loss", "validation_loss"))
    best = int(np.argmin(validation)) if best is None else best
    marker = "o" if len(epoch) <= 40 else None
    figure = new_figure(figsize=(7, 5))
    losses, rate = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    losses.plot(epoch, loss, color=BLUE, marker=marker, markersize=4, label="training")
    losses.plot(epoch, validation, color=VERMILION, linestyle="--", marker=marker, markersize=4, label="validation")
    best_label = f"best: {validation[best]:.4g} after epoch {epoch[best]:.0f}"
    losses.plot(epoch[best], validation[best], "*", color=BLACK, markersize=12, label=best_label)
    losses.set(ylabel="weighted cross-entropy", yscale="log", title="Learning curves")
    losses.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    losses.yaxis.set_minor_formatter(StrMethodFormatter("{x:g}"))
    losses.legend(frameon=False)
    rate.plot(epoch, history.column("learning_rate"), "o", color=BLACK, markersize=3)
    rate.set(xlabel="epoch", ylabel="learning rate", yscale="log", xlim=(epoch[0] - 0.5, epoch[-1] + 0.5))
    rate.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for axes in (losses, rate):
        axes.grid(alpha=0.3, linewidth=0.5, which="both")
    return figure


def plot_window(
    x: Array,
    probabilities: tuple[Array, Array, Array] | None = None,
    analyst: dict[str, float] | None = None,
    picks: dict[str, float] | None = None,
    title: str = "",
    unit: str = "counts",
) -> Figure:
    """A three-component window, the network's probabilities, and the picks of analyst and network.

    x (3, T) components E, N, Z, in `unit`; probabilities: detection, P, S, each (T,) (training labels do as well);
    analyst and picks: {"P": sample, "S": sample}, NaN or absent where there is none. The analyst's arrivals are
    lines, the network's triangles on the upper edge.
    """
    rows = 3 if probabilities is None else 4
    seconds = np.arange(x.shape[1]) / SAMPLING_RATE
    figure = new_figure(figsize=(9, 1.5 * rows + 0.8))
    panels = figure.subplots(rows, 1, sharex=True)
    for axes, trace, component in zip(panels, x, COMPONENTS, strict=False):
        axes.plot(seconds, trace, color=BLACK, linewidth=0.5)
        axes.set_ylabel(f"{component} ({unit})" if unit else component)
    if probabilities is not None:
        for (name, colour), probability in zip(COLOURS.items(), probabilities, strict=True):
            panels[3].plot(seconds, probability, color=colour, linestyle=STYLES[name], label=name)
        panels[3].set(ylabel="probability", ylim=(-0.05, 1.15), yticks=(0, 0.5, 1))
    for axes in panels:
        mark_arrivals(axes, analyst or {}, picks or {})
    panels[-1].set(xlabel="time from the window's start (s)", xlim=(0, x.shape[1] / SAMPLING_RATE))
    figure.align_ylabels(panels)
    handles, labels = panels[-1].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=7, frameon=False, fontsize="small")
    figure.suptitle(title)
    return figure


def mark_arrivals(axes: Any, analyst: dict[str, float], picks: dict[str, float]) -> None:
    """A line at each of the analyst's arrivals (samples), a triangle on the upper edge at each of the network's."""
    for phase, sample in analyst.items():
        if np.isfinite(sample):
            axes.axvline(
                sample / SAMPLING_RATE,
                color=COLOURS[phase],
                linestyle=STYLES[phase],
                linewidth=1,
                alpha=0.7,
                zorder=1,
                label=f"{phase}, analyst",
            )
    for phase, sample in picks.items():
        if np.isfinite(sample):
            axes.plot(
                sample / SAMPLING_RATE,
                1,
                "v",
                transform=axes.get_xaxis_transform(),
                color=COLOURS[phase],
                markersize=8,
                clip_on=False,
                label=f"{phase}, minieqt",
            )
