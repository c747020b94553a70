"""A map of earthquakes with depth sections, and an earthquake's records in order of distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from obspy import UTCDateTime

from minieqt.catalogue.earthquake import Arrival, Earthquake
from minieqt.catalogue.reference import Matched
from minieqt.plots import BLACK, BLUE, COLOURS, ORANGE, STYLES, VERMILION, add_scale, new_figure, shared_legend
from minieqt.records.stations import Place, unbroken
from minieqt.tables.catalogue import Origin

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from obspy import Trace

BEFORE, AFTER = 3.0, 3.0  # s of a record section before the first pick and after the last
BAND = (2.0, 20.0)  # Hz


def epicentres(
    earthquakes: Sequence[Earthquake],
    stations: dict[str, Place],
    matched: Matched | None = None,
) -> Figure:
    """Map, depth against latitude and against longitude; which of the earthquakes the reference has."""
    figure = new_figure(figsize=(8.5, 8))
    (top, right), (below, empty) = figure.subplots(2, 2, width_ratios=(3, 1), height_ratios=(3, 1))
    empty.remove()
    groups: list[tuple[str, str, Sequence[Earthquake]]] = [("earthquake", BLUE, earthquakes)]
    missed: list[Origin] = []
    if matched is not None:
        common = [earthquakes[i] for i in matched.pairs[:, 0]]
        groups = [("found, of the reference", BLUE, common), ("additional", ORANGE, matched.additional())]
        missed = matched.missed()
    every = [each.longitude for each in earthquakes] + [each.longitude for each in missed]
    every += [longitude for _, longitude, _ in stations.values()]
    for name, colour, held in groups:
        if held:
            latitude, longitude, depth = np.array([(each.latitude, each.longitude, each.depth) for each in held]).T
            longitude = unbroken(longitude, every)
            look: dict[str, Any] = {"color": colour, "alpha": 0.7, "linewidths": 0, "s": 28}
            top.scatter(longitude, latitude, label=f"{name} ({len(held)})", **look)
            right.scatter(depth, latitude, **look)
            below.scatter(longitude, depth, **look)
    if missed:
        latitude, longitude = np.array([(each.latitude, each.longitude) for each in missed]).T
        longitude = unbroken(longitude, every)
        top.scatter(longitude, latitude, 40, marker="x", color=VERMILION, label=f"missed ({len(missed)})")
    for n, (name, (latitude, longitude, _)) in enumerate(sorted(stations.items())):
        longitude = unbroken(longitude, every)
        top.plot(longitude, latitude, "^", color=BLACK, markersize=6, label="station" if n == 0 else None)
        if len(stations) <= 60:
            code = name.rpartition(".")[2]
            top.annotate(code, (longitude, latitude), (0, 6), textcoords="offset points", fontsize=7, ha="center")
    top.margins(0.1)
    middle = np.radians(np.mean(top.get_ylim()))
    top.set(ylabel="latitude (°)", aspect=1 / np.cos(middle), adjustable="datalim")
    deepest = max([each.depth for each in earthquakes], default=10.0) * 1.1
    right.set(xlabel="depth (km)", xlim=(0, deepest))
    below.set(xlabel="longitude (°)", ylabel="depth (km)", ylim=(deepest, 0))
    for axes in (top, right, below):
        axes.ticklabel_format(useOffset=False)
        axes.grid(alpha=0.3, linewidth=0.5)
    shared_legend(figure, [top])
    figure.draw_without_rendering()  # which settles the sizes of the panels, and so the limits of the map
    figure.set_layout_engine("none")
    right.set_ylim(top.get_ylim())
    below.set_xlim(top.get_xlim())
    add_scale(top, float(np.cos(middle)))
    return figure


def record_section(each: Earthquake, traces: dict[tuple[str, str], Trace]) -> Figure:
    """The vertical records of an earthquake's stations, the nearest on top, with its picks."""
    first, last = each.arrivals[0].onset.time, max(at.onset.time for at in each.arrivals)
    begin, end = UTCDateTime(ns=first) - BEFORE, UTCDateTime(ns=last) + AFTER
    by_station: dict[tuple[str, str], list[Arrival]] = {}
    for at in sorted(each.arrivals, key=lambda at: at.distance):
        by_station.setdefault((at.onset.network, at.onset.station), []).append(at)
    figure = new_figure(figsize=(9, 1.6 + 0.42 * len(by_station)))
    axes = figure.subplots()
    origin = UTCDateTime(ns=each.time)
    for row, (station, arrivals) in enumerate(by_station.items()):
        trace = traces.get(station)
        if trace is not None:
            shown = filtered(trace).slice(begin, end)
            highest = np.abs(shown.data).max() if shown.stats.npts else 0
            seconds = shown.times() + (shown.stats.starttime - origin)
            axes.plot(seconds, row - 0.45 * shown.data / (highest or 1), color=BLACK, linewidth=0.4)
        for at in arrivals:
            phase = at.onset.phase
            x = (at.onset.time - each.time) / 1e9
            axes.plot([x, x], [row - 0.45, row + 0.45], color=COLOURS[phase], linestyle=STYLES[phase], linewidth=1.5)
    names = [f"{'.'.join(station)}  {held[0].distance:.0f} km" for station, held in by_station.items()]
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel=f"seconds after {origin}", ylim=(len(names) - 0.4, -0.6), xlim=(begin - origin, end - origin))
    axes.set_title(f"{len(each.arrivals)} picks; {BAND[0]:g}–{BAND[1]:g} Hz, each record to its own scale", fontsize=9)
    for phase in "PS":
        axes.plot([], [], color=COLOURS[phase], linestyle=STYLES[phase], label=phase)
    shared_legend(figure, [axes])
    return figure


def filtered(trace: Trace) -> Trace:
    """Demeaned, band-passed; the trace stays as it is."""
    shown = trace.copy().detrend("demean")
    high = min(BAND[1], 0.45 * shown.stats.sampling_rate)
    return shown.filter("bandpass", freqmin=min(BAND[0], high / 2), freqmax=high, corners=2, zerophase=True)
