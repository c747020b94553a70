"""What a station's records and probabilities are drawn in: four panels on one axis of time."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure

from minieqt.plots import COLOURS, COMPONENTS
from minieqt.review.spectrogram import Spectrogram
from minieqt.review.waveforms import Curves

MILLISECOND = 10**6  # nanoseconds: Bokeh's axes of time count milliseconds since 1970


class Panels:
    """E, N, Z, and the probabilities below them; `others`: the picks of the station's other detections."""

    def __init__(self) -> None:
        self.source = ColumnDataSource({name: [] for name in ("time", *COMPONENTS, *COLOURS)})
        self.others = ColumnDataSource({"time": [], "colour": []})
        self.range = Range1d(0, 1)
        self.spectrograms: list[Spectrogram] = []
        self.figures = [self._panel(name) for name in (*COMPONENTS, "probability")]

    def _panel(self, name: str) -> Any:
        panel = figure(
            width=1100,
            height=150,
            x_axis_type="datetime",
            x_range=self.range,
            y_range=Range1d(-0.02, 1.02) if name == "probability" else Range1d(-1, 1),
            tools="xpan,xwheel_zoom,xbox_zoom,reset" if name == COMPONENTS[0] else "xpan,xwheel_zoom",
            active_scroll="xwheel_zoom",
            toolbar_location="right",
            y_axis_label=name,
            output_backend="canvas",
            name=name,
        )
        panel.toolbar.logo = None
        panel.xaxis.visible = name == "probability"
        if name == "probability":
            for output, colour in COLOURS.items():
                panel.line("time", output, source=self.source, color=colour, legend_label=output)
            panel.legend.orientation = "horizontal"
            panel.legend.update(location="top_left", background_fill_alpha=0.5, label_text_font_size="9pt", padding=2)
        else:
            trace = panel.line("time", name, source=self.source, color="black", line_width=0.8)
            self.spectrograms.append(Spectrogram(panel, trace))
        panel.vspan("time", source=self.others, color="colour", line_dash="dashed", line_width=1)
        return panel

    def look_at(self, start: int, end: int) -> None:
        """What is seen: from one time to another (nanoseconds)."""
        self.range.update(start=start / MILLISECOND, end=end / MILLISECOND)

    def seen(self) -> tuple[int, int]:
        """From which time to which (nanoseconds)."""
        return round(self.range.start * MILLISECOND), round(self.range.end * MILLISECOND)

    def draw(self, curves: Curves, start: int, end: int, common: bool) -> None:
        """The curves; amplitudes so that what lies between two times fills its panel, or the loudest of three does."""
        N = len(curves.time)
        probability = np.full((3, N), np.nan, np.float32) if curves.probability is None else curves.probability
        self.source.data = {
            "time": curves.time / MILLISECOND,
            **dict(zip(COMPONENTS, curves.x, strict=True)),
            **dict(zip(COLOURS, probability, strict=True)),
        }
        shown = (curves.time >= start) & (curves.time <= end)
        size = np.nan_to_num(np.abs(curves.x[:, shown])).max(axis=1, initial=0) * 1.05
        size = np.maximum(size.max() if common else size, 1e-12)
        for panel, reach in zip(self.figures, np.broadcast_to(size, 3).tolist(), strict=False):
            panel.y_range.update(start=-reach, end=reach)

    def draw_spectrograms(self, curves: Curves | None) -> None:
        """Of every sample of what is seen, in place of the traces; of None: the traces again."""
        for spectrogram, x in zip(self.spectrograms, (None,) * 3 if curves is None else curves.x, strict=True):
            if curves is not None:
                spectrogram.draw(curves.time, x)
            spectrogram.show(curves is not None)
