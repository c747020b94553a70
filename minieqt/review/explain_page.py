"""A page for looking into the network: a window, its activations and attentions, and sliders that disturb the window.

Each component can be dropped, shifted against the others and drowned in noise, and the window can begin elsewhere; the
network answers at once. A click sets the time whose attention is drawn.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import Tap
from bokeh.layouts import column, row
from bokeh.models import Button, ColumnDataSource, Div, LinearColorMapper, Range1d, Slider, Span, Toggle
from bokeh.plotting import figure
from obspy import UTCDateTime

from minieqt.data.table import RATE
from minieqt.evaluation.explain import Explanation, explain
from minieqt.model import EQTransformer
from minieqt.plots import BLACK, COLOURS, COMPONENTS, PURPLE
from minieqt.records.span import SECOND
from minieqt.review.keys import hand_over
from minieqt.review.queue import Item
from minieqt.review.waveforms import Waveforms

Array = Any

REACH = 15 * SECOND  # that the window can begin earlier or later
SOON = 20  # ms: moves of a slider within this time count as one
WIDE, NARROW = 780, 400
LOOKS = {"transformer 1": BLACK, "transformer 2": PURPLE, "P": COLOURS["P"], "S": COLOURS["S"]}
HELP = (
    "n next, b back, r as recorded again · click: the time whose attention is drawn · pale: as recorded · "
    "a step of the attention is 1.28 s, P and S look at their neighbours only"
)


@dataclass(frozen=True)
class Spoilt:
    """What is done to one component: kept or not, shifted (s; later is positive), noise (of its standard deviation)."""

    kept: bool = True
    shift: float = 0.0
    noise: float = 0.0


def spoil(x: Array, how: list[Spoilt]) -> Array:
    """x (3, N) -> (3, N). What a shift leaves empty is zero; the noise is Gaussian, the same at every call."""
    noise = np.random.default_rng(0).normal(size=x.shape)
    spoilt = np.zeros_like(x)
    for target, source, each, own in zip(spoilt, x, how, noise, strict=True):
        if each.kept:
            by, N = round(each.shift * RATE), x.shape[1]
            target[max(by, 0) : N + min(by, 0)] = source[max(-by, 0) : N - max(by, 0)]
            target += (each.noise * source.std() * own).astype(x.dtype)
    return spoilt


def in_words(probabilities: Array) -> str:
    """The highest of each output (3, N), and when."""
    highest = probabilities.argmax(axis=1)
    told = [
        f"{name} {row[at]:.2f}" + ("" if name == "detection" else f" at {at / RATE:.2f} s")
        for name, row, at in zip(COLOURS, probabilities, highest, strict=True)
    ]
    return ", ".join(told)


class ExplainPage:
    """One browser tab, at one item of the queue at a time."""

    def __init__(self, document: Document, queue: list[Item], waveforms: Waveforms, model: EQTransformer, place: int):
        self.document, self.queue, self.waveforms, self.model = document, queue, waveforms, model
        self.place = min(max(place, 0), len(queue) - 1)
        self.cursor = 0.0  # s
        self._due = False
        self.info = Div(text="", disable_math=True, name="info")
        self.range = Range1d(0, model.length / RATE)
        self.recorded = ColumnDataSource({name: [] for name in ("time", *COMPONENTS, *COLOURS)})
        self.spoilt = ColumnDataSource({name: [] for name in ("time", *COMPONENTS, *COLOURS)})
        self.looks = ColumnDataSource({name: [] for name in ("time", *LOOKS)})
        self.marks: list[Span] = []
        self.traces = [self._curves(name, [name], 95) for name in COMPONENTS]
        self.probability = self._curves("probability", list(COLOURS), 140)
        self.attention = self._attention()
        self.encoder = Image("activations", WIDE, 170, self.range)
        self.maps = [Image(f"transformer {number}: time that looks (s)", NARROW, 270, self.range) for number in (1, 2)]
        for image in self.maps:
            self._mark(image.panel, "width")
        self.stage = Slider(start=1, end=len(model.encoder.stages), value=1, step=1, title="stage of the encoder")
        self.begins = Slider(start=-REACH / SECOND, end=REACH / SECOND, value=0, step=0.5, title="window begins (s)")
        self.kept = [Toggle(label=name, active=True, width=40, button_type="primary") for name in COMPONENTS]
        self.shift = [self._slider("shifted (s)", name, -10, 10, 0.1) for name in COMPONENTS]
        self.noise = [self._slider("noise", name, 0, 3, 0.05) for name in COMPONENTS]
        document.title = "minieqt: into the network"
        self.show()  # before the document watches every change
        for slider in (self.stage, self.begins, *self.shift, *self.noise):
            slider.on_change("value", self._changed)
        for toggle in self.kept:
            toggle.on_change("active", self._changed)
        document.add_root(self._layout(hand_over(document, self.act)))

    # -- what there is to see ----------------------------------------------------------------------------------------

    def _mark(self, panel: Any, dimension: str) -> None:
        """A line at the time that looks."""
        mark = Span(dimension=dimension, line_color="red" if dimension == "width" else "black", line_dash="dotted")
        panel.add_layout(mark)
        self.marks.append(mark)

    def _panel(self, name: str, height: int, y_range: Any) -> Any:
        panel = figure(
            width=WIDE,
            height=height,
            x_range=self.range,
            y_range=y_range,
            tools="",
            toolbar_location=None,
            y_axis_label=name,
            name=name,
        )
        panel.xaxis.visible = name == "attention"
        panel.on_event(Tap, self._tapped)
        self._mark(panel, "height")
        return panel

    def _curves(self, name: str, rows: list[str], height: int) -> Any:
        panel = self._panel(name, height, Range1d(-1, 1) if len(rows) == 1 else Range1d(-0.02, 1.05))
        for of in rows:
            colour = COLOURS.get(of, BLACK)
            panel.line("time", of, source=self.recorded, color=colour, alpha=0.25)
            label = {"legend_label": of} if len(rows) > 1 else {}
            panel.line("time", of, source=self.spoilt, color=colour, line_width=1.5 if label else 0.8, **label)
        if len(rows) > 1:
            panel.legend.update(location="top_left", background_fill_alpha=0.5, orientation="horizontal", padding=2)
        return panel

    def _attention(self) -> Any:
        panel = self._panel("attention", 170, Range1d(0, 1))
        for name, colour in LOOKS.items():
            panel.step("time", name, source=self.looks, color=colour, mode="center", legend_label=name, line_width=1.5)
        panel.legend.update(location="top_right", background_fill_alpha=0.5, orientation="horizontal", padding=2)
        panel.xaxis.axis_label = "time from the window's start (s)"
        return panel

    def _slider(self, title: str, component: str, start: float, end: float, step: float) -> Slider:
        return Slider(start=start, end=end, value=0, step=step, title=title, width=155, name=f"{title} {component}")

    def _layout(self, keys: Any) -> Any:
        names = {"b": "← back", "n": "next →", "r": "as recorded"}
        buttons = [Button(label=label, width_policy="min", name=f"key {key}") for key, label in names.items()]
        for key, button in zip(names, buttons, strict=True):
            button.on_click(lambda key=key: self.act(key))
        spoil_rows = [row(*three) for three in zip(self.kept, self.shift, self.noise, strict=True)]
        left = column(*self.traces, self.probability, self.attention, self.stage, self.encoder.panel)
        right = column(*spoil_rows, self.begins, *(image.panel for image in self.maps))
        return column(self.info, row(*buttons), row(left, right), Div(text=HELP), keys)

    # -- what happens ------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Go to an item: as recorded."""
        self._due = True  # the sliders are reset below: one run at the end is enough
        item = self.queue[self.place]
        start, _ = item.view()
        self.start, self.cursor = start, max(item.start - start, 0) / SECOND
        end = start + round(self.model.length / RATE * SECOND)
        read = self.waveforms.samples(item.instrument, start - REACH, end + REACH)
        self.stretch = np.nan_to_num(read.x)
        self.first = round((start - int(read.time[0])) / SECOND * RATE)
        self.begins.value = 0
        for kept, shift, noise in zip(self.kept, self.shift, self.noise, strict=True):
            kept.active, shift.value, noise.value = True, 0, 0
        self.look()

    def window(self) -> Array:
        """As recorded, (3, N), from where the slider says."""
        first = self.first + round(self.begins.value * RATE)
        return self.stretch[:, first : first + self.model.length]

    def look(self) -> None:
        """Run the network on the window as recorded and as disturbed, and draw both."""
        self._due = False
        how = [
            Spoilt(kept.active, shift.value, noise.value)
            for kept, shift, noise in zip(self.kept, self.shift, self.noise, strict=True)
        ]
        x = self.window()
        seen = spoil(x, how)
        before = explain(self.model, x)
        self.after = before if np.array_equal(seen, x) else explain(self.model, seen)
        for source, rows, answer in ((self.recorded, x, before), (self.spoilt, seen, self.after)):
            source.data = {
                "time": np.arange(x.shape[1], dtype=np.float32) / np.float32(RATE),
                **dict(zip(COMPONENTS, rows, strict=True)),
                **dict(zip(COLOURS, answer.probabilities, strict=True)),
            }
        for panel, *rows in zip(self.traces, x, seen, strict=True):
            reach = max(float(np.abs(rows).max()) * 1.05, 1e-12)
            panel.y_range.update(start=-reach, end=reach)
        item = self.queue[self.place]
        when = UTCDateTime(ns=self.start + round(self.begins.value * SECOND)).strftime("%Y-%m-%d %H:%M:%S")
        words = [
            f"{self.place + 1} of {len(self.queue)} · {item.instrument.name()} · from {when} UTC",
            f"now {in_words(self.after.probabilities)}",
            f"as recorded {in_words(before.probabilities)}",
        ]
        self.info.text = "<br>".join(map(html.escape, words))
        steps = len(self.after.transformers[0])
        end = steps * 2 ** len(self.after.encoder) / RATE
        for image, weights in zip(self.maps, self.after.transformers, strict=True):
            image.draw(weights, end, end)
        self.look_closer()

    def look_closer(self) -> None:
        """Draw the chosen stage of the encoder, and the attention of the chosen time."""
        stage = self.after.encoder[int(self.stage.value) - 1]
        self.encoder.draw(stage, stage.shape[1] * 2**self.stage.value / RATE, len(stage))
        self.looks.data = rows_of(self.after, self.cursor)
        for mark in self.marks:
            mark.location = self.cursor
        most = max(float(np.max(self.looks.data[name])) for name in LOOKS)
        self.attention.y_range.end = max(most * 1.25, 1e-6)

    def act(self, key: str) -> None:
        """A key, or a button that stands for it."""
        by = {"n": 1, "b": -1, "r": 0}.get(key)
        if by is not None:
            self.place = min(max(self.place + by, 0), len(self.queue) - 1)
            self.show()

    def _changed(self, attribute: str, old: object, new: object) -> None:
        if not self._due:
            self._due = True
            self.document.add_timeout_callback(self.look, SOON)

    def _tapped(self, event: Tap) -> None:
        self.cursor = min(max(event.x, 0.0), self.range.end)
        self.look_closer()


def rows_of(explanation: Explanation, time: float) -> dict[str, Array]:
    """What the step at a time (s) looks at: the middles of all steps, and the weights of each attention."""
    maps = dict(zip(LOOKS, [*explanation.transformers, *explanation.local.values()], strict=True))
    steps = len(maps["P"])
    every = 2 ** len(explanation.encoder) / RATE
    at = min(int(time / every), steps - 1)
    return {"time": (np.arange(steps) + 0.5) * every, **{name: weights[at] for name, weights in maps.items()}}


class Image:
    """A matrix in colours; darker is less."""

    def __init__(self, name: str, width: int, height: int, x_range: Any):
        self.source = ColumnDataSource({"image": [], "width": [], "height": []})
        self.colours = LinearColorMapper("Cividis256", low=0)
        self.panel = figure(
            width=width,
            height=height,
            x_range=x_range,
            y_range=Range1d(0, 1),
            tools="",
            toolbar_location=None,
            y_axis_label=name,
            name=name,
        )
        self.panel.image("image", 0, 0, "width", "height", source=self.source, color_mapper=self.colours)

    def draw(self, matrix: Array, width: float, height: float) -> None:
        """matrix (rows, columns), its first row at the bottom; width and height on the axes."""
        self.colours.high = max(float(np.percentile(matrix, 99.5)), 1e-12)
        self.source.data = {"image": [matrix], "width": [width], "height": [height]}
        self.panel.y_range.update(start=0, end=height)
