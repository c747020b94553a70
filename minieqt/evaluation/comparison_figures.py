"""The figures of a comparison of two sets of picks. Every function returns a matplotlib Figure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from minieqt.evaluation.comparison import Comparison
from minieqt.plots import BLACK, BLUE, COLOURS, GREEN, ORANGE, VERMILION, add_scale, new_figure, shared_legend
from minieqt.records.stations import unbroken

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Coordinates = dict[str, tuple[float, float]]  # station as in the comparison: latitude, longitude

STATIONS = 25
SIDES = {"ours": (BLUE, "-"), "reference": (VERMILION, "--"), "common": (BLACK, ":")}
MARKERS = {"both": ("^", BLACK), "ours": ("s", BLUE), "reference": ("v", VERMILION)}


def residual_histograms(comparison: Comparison) -> Figure:
    """Ours minus reference of the common picks, P and S."""
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(figsize=(9, 3.6))
    panels = figure.subplots(1, 2)
    reach = comparison.tolerance
    for axes, phase in zip(panels, "PS", strict=True):
        residuals = comparison.residuals(phase)
        axes.hist(residuals, np.linspace(-reach, reach, 41), color=COLOURS[phase])
        axes.axvline(0, color="0.6", linewidth=0.8)
        text = f"{len(residuals)} common picks"
        if len(residuals):
            mae = np.abs(residuals).mean()
            text += f"\nmean {residuals.mean():+.3f} s\nstd {residuals.std():.3f} s\nMAE {mae:.3f} s"
        axes.text(0.97, 0.95, text, transform=axes.transAxes, ha="right", va="top", fontsize=8)
        axes.set(title=phase, xlabel="ours minus reference (s)", xlim=(-reach, reach))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3, linewidth=0.5)
    panels[0].set_ylabel(f"picks per {reach / 20:.3g} s")
    return figure


def cumulative(comparison: Comparison) -> Figure:
    """How many picks there are until a time: ours, the reference's, common ones."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(figsize=(9, 4))
    panels = figure.subplots(1, 2)
    mine, _ = comparison.common()
    times = {
        "ours": [pick.time for pick in comparison.ours.picks],
        "reference": [pick.time for pick in comparison.reference.picks],
    }
    phases = {"ours": comparison.ours.phases(), "reference": comparison.reference.phases()}
    times["common"] = np.array(times["ours"], np.int64)[mine].tolist()
    phases["common"] = phases["ours"][mine]
    every = times["ours"] + times["reference"]
    for axes, phase in zip(panels, "PS", strict=True):
        for side, (colour, style) in SIDES.items():
            held = np.array(times[side], np.int64)[phases[side] == phase]
            if every:
                edges = [min(every) - 10**9, *held.tolist(), max(every) + 10**9]
                steps = [0, *range(1, len(held) + 1), len(held)]
                x = [datetime.fromtimestamp(ns / 1e9, UTC) for ns in edges]
                axes.step(x, steps, where="post", color=colour, linestyle=style, label=f"{side}")
        axes.set(title=phase, xlabel="time (UTC)", ylim=(0, None))
        locator = AutoDateLocator(maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3, linewidth=0.5)
    panels[0].set_ylabel("picks until then")
    shared_legend(figure, panels)
    return figure


def station_bars(comparison: Comparison) -> Figure:
    """Common, missed and additional picks of the STATIONS with most picks."""
    from matplotlib.ticker import MaxNLocator

    rows = comparison.by_station()[:STATIONS]
    figure = new_figure(figsize=(8, 1.6 + 0.26 * max(len(rows), 1)))
    axes = figure.subplots()
    places = np.arange(len(rows))
    left = np.zeros(len(rows))
    for name, colour, hatch in (("common", GREEN, ""), ("missed", VERMILION, "///"), ("additional", ORANGE, "...")):
        values = np.array([row[name] for row in rows], float)
        axes.barh(places, values, left=left, color=colour, hatch=hatch, edgecolor="white", linewidth=0, label=name)
        left += values
    axes.set_yticks(places, [row["station"] for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="picks, P and S together")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3, linewidth=0.5, axis="x")
    shared_legend(figure, [axes])
    return figure


def station_map(comparison: Comparison, coordinates: Coordinates) -> Figure | None:
    """Where the stations are, who used them, and the reference's events; None if no station's place is known."""
    from matplotlib.ticker import MaxNLocator

    used = {side: [s for s in names if s in coordinates] for side, names in comparison.used().items()}
    if not any(used.values()):
        return None
    figure = new_figure(figsize=(7.5, 7))
    axes = figure.subplots()
    every = [coordinates[name][1] for names in used.values() for name in names]
    every += [origin.longitude for origin in comparison.reference.origins.values()]
    events = comparison.events()
    found = events["names_found"] if events else set()
    for label, wanted, colour in (("event found", True, GREEN), ("event missed", False, ORANGE)):
        held = [origin for name, origin in comparison.reference.origins.items() if (name in found) == wanted]
        if held:
            sizes = [20 * 2 ** np.nan_to_num(origin.magnitude, nan=1.0) for origin in held]
            longitude, latitude = np.array([(origin.longitude, origin.latitude) for origin in held]).T
            longitude = unbroken(longitude, every)
            look: dict[str, Any] = {"facecolors": colour if wanted else "none", "edgecolors": colour, "alpha": 0.7}
            axes.scatter(longitude, latitude, sizes, label=f"{label} ({len(held)})", **look)
    for side, names in used.items():
        marker, colour = MARKERS[side]
        if names:
            latitude, longitude = np.array([coordinates[name] for name in names]).T
            longitude = unbroken(longitude, every)
            label = "station of both" if side == "both" else f"station of {side} only"
            axes.plot(longitude, latitude, marker, color=colour, markersize=8, markeredgecolor="white", label=label)
            if len(coordinates) <= 40:
                for name, x, y in zip(names, longitude, latitude, strict=True):
                    code = name.rpartition(".")[2]
                    axes.annotate(code, (x, y), (0, 7), textcoords="offset points", fontsize=7, ha="center")
    axes.margins(0.12)
    middle = np.radians(np.mean(axes.get_ylim()))
    axes.set(xlabel="longitude (°)", ylabel="latitude (°)", aspect=1 / np.cos(middle))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.ticklabel_format(useOffset=False)
    axes.grid(alpha=0.3, linewidth=0.5)
    add_scale(axes, float(np.cos(middle)))
    shared_legend(figure, [axes])
    return figure
