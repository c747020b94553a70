"""The page: three components, probabilities below, picks as lines to drag; every key and button an action of the desk.

All of it is Bokeh's: models here, drawn by the browser, whose changes come back through the server. The one piece of
JavaScript hands keys over, and lets a drag begin slowly. Text that comes from data (station names, authors) is escaped,
and no mathematics is looked for in it: whatever it holds is shown as it is.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import PlotEvent, RangesUpdate, Reset, Tap
from bokeh.layouts import column, row
from bokeh.models import (
    BoxAnnotation,
    Button,
    ColumnDataSource,
    CustomJS,
    Div,
    Range1d,
    Span,
    TextInput,
)
from bokeh.plotting import figure
from obspy import UTCDateTime

from minieqt.plots import COLOURS, COMPONENTS
from minieqt.review.desk import Desk, Review
from minieqt.review.waveforms import Waveforms

MILLISECOND = 10**6  # nanoseconds: Bokeh's axes of time count milliseconds since 1970
SETTLED = 300  # ms that a dragged line stands still before it is saved
POLL = 1000  # ms between looks for what other processes have written
OUTPUTS = {"detection": "-", "P": "P", "S": "S"}
# Bokeh takes a button that is held still for 300 ms for a press, and ignores where it moves then: no drag would begin.
HANDOVER = """
Bokeh.require('core/ui_gestures').UIGestures.press_threshold = 2 ** 31 - 1;
document.addEventListener('keydown', (event) => {
  const typing = event.composedPath()[0].tagName;
  if (event.ctrlKey || event.metaKey || event.altKey || typing == 'INPUT' || typing == 'TEXTAREA') return;
  if (event.key == 'ArrowRight' || event.key == 'ArrowLeft' || event.key == ' ') event.preventDefault();
  window.keys = (window.keys || 0) + 1;
  sink.value = window.keys + ' ' + event.key;
});
"""
GONE = "notice.text = 'The server is gone: what you do here is no longer saved. Start it again and reload.';"
HELP = (
    "→ or n next, ← or b back · a accept, x not an earthquake, u unsure · click sets the cursor, p and s set P and S "
    "there, P and S (shift) take them away, lines can be dragged · e an earthquake that was missed, at the cursor · "
    "z undo, y redo · f filter, c common scale, w whole day, v back to the minute"
)


class Page:
    """One browser tab."""

    def __init__(self, document: Document, review: Review, waveforms: Waveforms, pages: list[Page]):
        self.document, self.review, self.waveforms, self.pages = document, review, waveforms, pages
        self.desk = Desk(review)
        self.filtered, self.common = True, False
        self.cursor: int | None = None
        self._drawing = False  # while our own changes to lines come back as if somebody had dragged them
        self._drawn = 0, 0  # between which times
        self._pending: dict[str, Any] = {}
        self.notice, self.info = (
            Div(text="", disable_math=True, name=name, min_height=18) for name in ("notice", "info")
        )
        self.source = ColumnDataSource({name: [] for name in ("time", *COMPONENTS, *COLOURS)})
        self.others = ColumnDataSource({"time": [], "colour": []})
        self.range = Range1d(0, 1)
        self.panels = [self._panel(name) for name in COMPONENTS]
        self.panels.append(self._panel("probability"))
        self.lines = {phase: [self._line(panel, phase) for panel in self.panels] for phase in "PS"}
        self.marks = [Span(dimension="height", line_color="black", line_dash="dotted") for _ in self.panels]
        self.boxes = [BoxAnnotation(fill_color=COLOURS["detection"], fill_alpha=0.12) for _ in self.panels]
        for panel, mark, box in zip(self.panels, self.marks, self.boxes, strict=True):
            panel.add_layout(mark)
            panel.add_layout(box)
            panel.on_event(Tap, self._tapped)
            panel.on_event(RangesUpdate, self._zoomed)
            panel.on_event(Reset, self._zoomed)
        keys = TextInput(visible=False, name="keys")
        keys.on_change("value", lambda attribute, old, new: self.act(new.partition(" ")[2]))
        document.js_on_event("document_ready", CustomJS(args={"sink": keys}, code=HANDOVER))
        document.js_on_event("connection_lost", CustomJS(args={"notice": self.notice}, code=GONE))
        document.title = "minieqt review"
        self.show()  # before the document watches every change
        document.add_root(
            column(self.info, self._buttons(), self.notice, *self.panels, Div(text=HELP, disable_math=True), keys)
        )
        document.add_periodic_callback(self._poll, POLL)
        document.on_session_destroyed(lambda context: pages.remove(self))
        pages.append(self)

    # -- what there is to see ----------------------------------------------------------------------------------------

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
            panel.line("time", name, source=self.source, color="black", line_width=0.8)
        panel.vspan("time", source=self.others, color="colour", line_dash="dashed", line_width=1)
        return panel

    def _line(self, panel: Any, phase: str) -> Span:
        line = Span(dimension="height", line_color=COLOURS[phase], line_width=2.5, name=f"{phase} {panel.name}")
        line.update(editable=True, visible=False)
        line.on_change("location", lambda attribute, old, new: self._dragged(phase, new))
        panel.add_layout(line)
        return line

    def _buttons(self) -> Any:
        names = {
            "b": "← back", "n": "next →", "a": "accept", "x": "not an earthquake", "u": "unsure", "p": "P here",
            "s": "S here", "e": "missed one here", "z": "undo", "y": "redo", "f": "filter", "w": "whole day",
        }  # fmt: skip
        buttons = []
        for key, label in names.items():
            button = Button(label=label, width_policy="min", name=f"key {key}")
            button.on_click(lambda key=key: self.act(key))
            buttons.append(button)
        return row(*buttons)

    def show(self) -> None:
        """Go to what the desk looks at."""
        start, end = self.desk.view()
        self.cursor = None
        self.range.update(start=start / MILLISECOND, end=end / MILLISECOND)
        self.range.update(reset_start=self.range.start, reset_end=self.range.end)
        self.draw(start, end)
        self.refresh()

    def draw(self, start: int, end: int) -> None:
        """The curves between two times, and as much again to either side, for the hand that moves them."""
        self._drawn = start, end
        beside = min((end - start) // 2, 60 * 10**9)
        curves = self.waveforms.curves(self.desk.item.instrument, start - beside, end + beside, self.filtered)
        N = len(curves.time)
        probability = np.full((3, N), np.nan, np.float32) if curves.probability is None else curves.probability
        self.source.data = {
            "time": curves.time / MILLISECOND,
            **dict(zip(COMPONENTS, curves.x, strict=True)),
            **dict(zip(COLOURS, probability, strict=True)),
        }
        shown = (curves.time >= start) & (curves.time <= end)
        size = np.nan_to_num(np.abs(curves.x[:, shown])).max(axis=1, initial=0) * 1.05
        size = np.maximum(size.max() if self.common else size, 1e-12)
        for panel, reach in zip(self.panels, np.broadcast_to(size, 3).tolist(), strict=False):
            panel.y_range.update(start=-reach, end=reach)

    def refresh(self) -> None:
        """Lines and words, as the journal has them now."""
        state, item = self.desk.state, self.desk.item
        self._drawing = True
        try:
            for phase, lines in self.lines.items():
                time = None if state is None else state.times().get(phase)
                for line in lines:
                    # One without a place could still be caught where it was drawn last.
                    line.update(location=None if time is None else time / MILLISECOND, visible=time is not None)
            for mark in self.marks:
                mark.location = None if self.cursor is None else self.cursor / MILLISECOND
            for box in self.boxes:
                box.visible = state is not None
                if state is not None:
                    box.update(left=state.start / MILLISECOND, right=state.end / MILLISECOND)
        finally:
            self._drawing = False
        beside = [(t / MILLISECOND, COLOURS[p]) for s in self.desk.beside().values() for p, t in s.times().items()]
        self.others.data = {"time": [time for time, _ in beside], "colour": [colour for _, colour in beside]}
        review = self.review
        verdict = review.journal.value(item.key, "verdict") or "not judged"
        when = UTCDateTime(ns=item.start).strftime("%Y-%m-%d %H:%M:%S")
        words = [
            f"{review.judged()} of {len(review.queue)} judged · this is {self.desk.place + 1}",
            f"{item.instrument.name()} · {when} UTC · {', '.join(item.reasons) or 'nothing doubtful'} · {verdict}",
            *self.desk.conflicts(),
        ]
        done = round(100 * review.judged() / len(review.queue))
        bar = f'<progress max="100" value="{done}" style="width: 1090px"></progress>'
        self.info.text = "<br>".join(map(html.escape, words)) + "<br>" + bar
        self.notice.text = html.escape(self.desk.message)

    # -- what comes back ---------------------------------------------------------------------------------------------

    def act(self, key: str) -> None:
        """A key, or a button that stands for it."""
        self._save_dragged()
        desk, cursor = self.desk, self.cursor
        moves: dict[str, Callable[[], object]] = {
            "n": lambda: desk.show(desk.place + 1),
            "b": lambda: desk.show(desk.place - 1),
            "a": lambda: desk.judge("accepted"),
            "x": lambda: desk.judge("rejected"),
            "u": lambda: desk.judge("unsure"),
            "z": desk.undo,
            "y": desk.redo,
        }
        moves |= {"ArrowRight": moves["n"], "ArrowLeft": moves["b"]}
        at_cursor: dict[str, Callable[[int], object]] = {
            "p": lambda time: desk.put("P", time),
            "s": lambda time: desk.put("S", time),
            "e": desk.add,
        }
        desk.message = ""
        if key in moves:
            before = desk.item
            if not self._saved(moves[key]):
                return
            self.show() if desk.item is not before else self.refresh()
        elif key in at_cursor:
            if cursor is None:
                desk.message = "click where it should stand, first"
                self.refresh()
            else:
                self._saved(lambda: at_cursor[key](cursor))
        elif key in ("P", "S"):
            self._saved(lambda: desk.delete(key))
        elif key in ("f", "c"):
            self.filtered, self.common = self.filtered != (key == "f"), self.common != (key == "c")
            self.desk.message = (
                f"{'filtered' if self.filtered else 'not filtered'}, {'common' if self.common else 'own'} scale"
            )
            self.draw(*self._visible())
            self.refresh()
        elif key == "w":
            day = 86400 * 10**9
            start = self.desk.item.start // day * day
            self.range.update(start=start / MILLISECOND, end=(start + day) / MILLISECOND)
            self.draw(start, start + day)
        elif key == "v":
            self.show()
        if key not in ("f", "c", "w", "v"):
            self._tell_others()

    def _saved(self, action: Callable[[], object]) -> bool:
        """Do what writes to the journal; what the disk refuses is said."""
        try:
            action()
        except OSError as error:
            self.desk.message = f"NOT SAVED: {error.strerror or error}"
            self.refresh()
            return False
        self.refresh()
        return True

    def _visible(self) -> tuple[int, int]:
        return round(self.range.start * MILLISECOND), round(self.range.end * MILLISECOND)

    def _tapped(self, event: Tap) -> None:
        self.cursor = round(event.x * MILLISECOND)
        self.refresh()

    def _zoomed(self, event: PlotEvent) -> None:
        """Every panel says so of the range that they share: the first is enough."""
        if self._visible() != self._drawn:
            self.draw(*self._visible())

    def _dragged(self, phase: str, location: float | None) -> None:
        """A line moves: save it where it comes to rest."""
        if self._drawing or location is None:
            return
        if phase in self._pending:
            self.document.remove_timeout_callback(self._pending.pop(phase)[0])
        time = round(location * MILLISECOND)

        def rest() -> None:
            del self._pending[phase]
            if self._saved(lambda: self.desk.put(phase, time)):
                self._tell_others()

        self._pending[phase] = self.document.add_timeout_callback(rest, SETTLED), rest

    def _save_dragged(self) -> None:
        """Lines that have not stood still for long enough yet: before the desk goes on to something else."""
        for callback, rest in list(self._pending.values()):
            self.document.remove_timeout_callback(callback)
            rest()

    def _tell_others(self) -> None:
        for page in self.pages:
            if page is not self:
                page.document.add_next_tick_callback(page.refresh)

    def _poll(self) -> None:
        """What other processes have written."""
        if self.review.journal.refresh():
            self.refresh()
            self._tell_others()
