"""A component's spectrogram, over its panel in place of the trace: picks can be dragged on it as on the trace."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, LinearAxis, LinearColorMapper, Range1d
from scipy.signal import spectrogram

from minieqt.data.table import RATE

Array = Any

LENGTH, STEP = 128, 32  # samples of a spectrum, and from one to the next
DARKEST, BRIGHTEST = 5, 99.8  # percentiles of what is shown
NYQUIST = RATE / 2


def decibels(x: Array) -> Array:
    """x (N,) -> power spectral densities (65, ceil((N - 127) / 32)), in dB; NaN where a sample is missing."""
    _, _, power = spectrogram(x, RATE, "hann", LENGTH, LENGTH - STEP, detrend="constant")
    with np.errstate(divide="ignore"):
        found = 10 * np.log10(power)
    return np.where(np.isfinite(found), found, np.nan).astype(np.float32)


class Spectrogram:
    """Of one panel, whose trace is `trace`."""

    def __init__(self, panel: Any, trace: Any):
        self.panel, self.trace = panel, trace
        self.source = ColumnDataSource({"image": [], "x": [], "width": []})
        self.colours = LinearColorMapper("Cividis256", nan_color="white")
        panel.extra_y_ranges = {"Hz": Range1d(0, NYQUIST)}
        self.axis = LinearAxis(y_range_name="Hz", axis_label=f"{panel.name}, Hz", visible=False)
        panel.add_layout(self.axis, "left")
        self.image = panel.image(
            "image", "x", 0, "width", NYQUIST, source=self.source, color_mapper=self.colours, y_range_name="Hz"
        )
        self.image.update(level="underlay", visible=False)

    def draw(self, time: Array, x: Array) -> None:
        """time (N,) in nanoseconds, x (N,): every sample of what is to be seen."""
        image = decibels(x)
        middle, every = (LENGTH - STEP) / 2 / RATE * 1000, STEP / RATE * 1000  # ms
        self.source.data = {"image": [image], "x": [time[0] / 1e6 + middle], "width": [every * image.shape[1]]}
        if np.isfinite(image).any():
            low, high = np.nanpercentile(image, (DARKEST, BRIGHTEST))
            self.colours.update(low=float(low), high=float(max(high, low + 1)))

    def show(self, shown: bool) -> None:
        """The spectrogram, or the trace again."""
        self.image.visible = self.axis.visible = shown
        self.trace.visible = self.panel.yaxis[0].visible = self.panel.ygrid.visible = not shown
