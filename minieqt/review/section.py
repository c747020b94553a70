"""A record section: the vertical component of all stations under each other, the picks of each on its trace.

Where the stations' coordinates are known, they are sorted by distance from the station with the first P shown: it is
the nearest to the earthquake, whose own place is not known yet. Otherwise they are sorted by their first picks, those
without any last. The traces are equally spaced: at true distances some would cover each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, PlainText, Range1d
from bokeh.plotting import figure
from obspy import UTCDateTime
from obspy.geodetics import gps2dist_azimuth

from minieqt.plots import COLOURS
from minieqt.records.channel import Instrument
from minieqt.records.selection import Station
from minieqt.records.span import SECOND
from minieqt.records.stations import Coordinates
from minieqt.review.queue import Item
from minieqt.review.state import Reviewed
from minieqt.review.waveforms import Waveforms, thinned

MOST = 30  # traces: the nearest
HEIGHT = 0.45  # of the largest amplitude near what is looked at, where 1 is from one trace to the next
NEAR = 10 * SECOND  # before and after it; larger amplitudes elsewhere are clipped
VERTICAL = 2  # of E, N, Z


@dataclass(frozen=True)
class Trace:
    """A station's place in the section: distance in km, None where coordinates are not known; times: (phase, ns)."""

    instrument: Instrument
    distance: float | None
    times: tuple[tuple[str, int], ...]

    def label(self) -> str:
        """The station, and its distance."""
        far = "" if self.distance is None else f" {self.distance:.0f} km"
        return f"{self.instrument.network}.{self.instrument.station}{far}"


def arrange(
    recorded: Iterable[Station], states: Iterable[Reviewed], at: Instrument, start: int, coordinates: Coordinates
) -> list[Trace]:
    """The stations that recorded something, the nearest first. `at` is the instrument that is looked at.

    states: the detections between `start` and the end of what is shown.
    """
    instruments = {(at.network, at.station): at}
    times: dict[Station, list[tuple[str, int]]] = {}
    for state in states:
        station = state.instrument.network, state.instrument.station
        instruments.setdefault(station, state.instrument)
        times.setdefault(station, []).extend(state.times().items())
    found = {station: tuple(sorted(times.get(station, []), key=lambda pick: pick[1])) for station in recorded}
    places = {station: coordinates.at(*station, UTCDateTime(ns=start)) for station in found}
    onsets = [(time, station) for station, picks in found.items() for phase, time in picks if phase == "P"]
    first = min(((time, station) for time, station in onsets if places[station]), default=(0, (at.network, at.station)))
    origin = places.get(first[1])
    traces = []
    for station, picks in found.items():
        place, distance = places[station], None
        if origin is not None and place is not None:
            distance = gps2dist_azimuth(*origin[:2], *place[:2])[0] / 1000
        traces.append(Trace(instruments.get(station, Instrument(*station, "", "")), distance, picks))
    never = 2**63
    return sorted(
        traces,
        key=lambda trace: (
            np.inf if trace.distance is None else trace.distance,
            min((time for _, time in trace.times), default=never),
            trace.instrument,
        ),
    )


class Section:
    """The panel. `x_range`: the time axis of the others."""

    def __init__(self, x_range: Any, coordinates: Coordinates):
        self.coordinates = coordinates
        self.lines = ColumnDataSource({"xs": [], "ys": [], "colour": []})
        self.picks = ColumnDataSource({"time": [], "top": [], "bottom": [], "colour": []})
        self.range = Range1d(1, -1)
        self.panel = figure(
            width=1100,
            height=420,
            x_axis_type="datetime",
            x_range=x_range,
            y_range=self.range,
            tools="xpan,xwheel_zoom",
            active_scroll="xwheel_zoom",
            toolbar_location="right",
            name="section",
            y_axis_label="Z",
            visible=False,
        )
        self.panel.toolbar.logo = None
        self.panel.ygrid.visible = False
        self.panel.multi_line("xs", "ys", source=self.lines, color="colour", line_width=0.7)
        self.panel.segment("time", "top", "time", "bottom", source=self.picks, color="colour", line_width=2)

    def draw(self, waveforms: Waveforms, traces: list[Trace], item: Item, start: int, end: int, filtered: bool) -> None:
        """The traces between two times (nanoseconds), that of the item in black."""
        xs, ys, colour = [], [], []
        for place, trace in enumerate(traces):
            curves = thinned(waveforms.samples(trace.instrument, start, end, filtered))
            row = curves.x[VERTICAL]
            near = row[(curves.time >= item.start - NEAR) & (curves.time <= item.end + NEAR)]
            near = near if np.isfinite(near).any() else row
            largest = max(float(np.nanmax(np.abs(near), initial=0)), 1e-12)
            xs.append(curves.time / 1e6)
            ys.append(place - HEIGHT * np.clip(row / largest, -1, 1))  # the axis points down
            colour.append("black" if trace.instrument == item.instrument else "#888888")
        self.lines.data = {"xs": xs, "ys": ys, "colour": colour}
        marks = [(time / 1e6, place, phase) for place, trace in enumerate(traces) for phase, time in trace.times]
        self.picks.data = {
            "time": [time for time, _, _ in marks],
            "top": [place - HEIGHT for _, place, _ in marks],
            "bottom": [place + HEIGHT for _, place, _ in marks],
            "colour": [COLOURS[phase] for _, _, phase in marks],
        }
        self.range.update(start=len(traces) - 0.5, end=-0.5)
        self.panel.yaxis.ticker = FixedTicker(ticks=list(range(len(traces))))
        self.panel.yaxis.major_label_overrides = {place: PlainText(text=t.label()) for place, t in enumerate(traces)}
