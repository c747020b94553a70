"""The page: three components, probabilities, picks as lines to drag; every key and button is an action of the desk.

All of it is Bokeh's: models here, which the browser draws, and whose changes come back through the server. Text from
data (station names, authors) is escaped and not searched for mathematics: it is shown as it is.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from bokeh.document import Document
from bokeh.events import PlotEvent, RangesUpdate, Reset, Tap
from bokeh.layouts import column, row
from bokeh.models import BoxAnnotation, Button, CustomJS, Div, Span
from obspy import UTCDateTime

from minieqt.plots import COLOURS
from minieqt.records.span import DAY
from minieqt.records.stations import Coordinates
from minieqt.review.desk import Desk, Review
from minieqt.review.keys import hand_over
from minieqt.review.panels import MILLISECOND, Panels
from minieqt.review.queue import Item
from minieqt.review.section import MOST, Section, Trace, arrange
from minieqt.review.waveforms import SHORT, Curves, Waveforms

SETTLED = 300  # ms that a dragged line stands still before it is saved
POLL = 1000  # ms between looks for what other processes have written
AHEAD = 100  # ms after an item is shown until the next one's records are read
GONE = "notice.text = 'The server is gone: what you do here is no longer saved. Start it again and reload.';"
TOO_LONG = "spectrogram and stations are shown of a few minutes only: zoom in"
LOOKS = "fctgwv"  # keys that change nothing but what is seen
HELP = (
    "→ or n next, ← or b back · a accept, x not an earthquake, u unsure · click sets the cursor, p and s set P and S "
    "there, P and S (shift) take them away, lines can be dragged · e an earthquake that was missed, at the cursor · "
    "z undo, y redo · f filter, c common scale, t spectrogram, g all stations, w whole day, v back to the minute"
)


class Page:
    """One browser tab."""

    def __init__(
        self,
        document: Document,
        review: Review,
        waveforms: Waveforms,
        pages: list[Page],
        coordinates: Coordinates | None = None,
        explained: str = "",
    ):
        self.document, self.review, self.waveforms, self.pages = document, review, waveforms, pages
        self.explained = explained  # the address of the page that looks into the network
        self.desk = Desk(review)
        self.filtered, self.common, self.spectrogram = True, False, False
        self.cursor: int | None = None
        self._drawing = False  # our own changes to lines come back like those of a person who drags them
        self._drawn = 0, 0  # the times between which the curves are drawn
        self._pending: dict[str, Any] = {}
        self._ahead: Any = None
        self.notice, self.info = (
            Div(text="", disable_math=True, name=name, min_height=18) for name in ("notice", "info")
        )
        self.panels = Panels()
        self.section = Section(self.panels.range, coordinates or Coordinates())
        figures = self.panels.figures
        self.lines = {phase: [self._line(panel, phase) for panel in figures] for phase in "PS"}
        self.marks = [Span(dimension="height", line_color="black", line_dash="dotted") for _ in figures]
        self.boxes = [BoxAnnotation(fill_color=COLOURS["detection"], fill_alpha=0.12) for _ in figures]
        for panel, mark, box in zip(figures, self.marks, self.boxes, strict=True):
            panel.add_layout(mark)
            panel.add_layout(box)
            panel.on_event(Tap, self._tapped)
            panel.on_event(RangesUpdate, self._zoomed)
            panel.on_event(Reset, self._zoomed)
        self.section.panel.on_event(Tap, self._tapped)
        keys = hand_over(document, self.act)
        document.js_on_event("connection_lost", CustomJS(args={"notice": self.notice}, code=GONE))
        document.title = "minieqt review"
        self.show()  # before the document watches every change
        seen = (*figures, self.section.panel, Div(text=HELP, disable_math=True))
        document.add_root(column(self.info, self._buttons(), self.notice, *seen, keys))
        document.add_periodic_callback(self._poll, POLL)
        document.on_session_destroyed(lambda context: pages.remove(self))
        pages.append(self)

    # -- what there is to see ----------------------------------------------------------------------------------------

    def _line(self, panel: Any, phase: str) -> Span:
        line = Span(dimension="height", line_color=COLOURS[phase], line_width=2.5, name=f"{phase} {panel.name}")
        line.update(editable=True, visible=False)
        line.on_change("location", lambda attribute, old, new: self._dragged(phase, new))
        panel.add_layout(line)
        return line

    def _buttons(self) -> Any:
        names = {
            "b": "← back", "n": "next →", "a": "accept", "x": "not an earthquake", "u": "unsure", "p": "P here",
            "s": "S here", "e": "missed one here", "z": "undo", "y": "redo", "f": "filter", "t": "spectrogram",
            "g": "stations", "w": "whole day",
        }  # fmt: skip
        buttons = []
        for key, label in names.items():
            button = Button(label=label, width_policy="min", name=f"key {key}")
            button.on_click(lambda key=key: self.act(key))
            buttons.append(button)
        return row(*buttons)

    def show(self) -> None:
        """Go to what the desk looks at."""
        start, end = self.desk.item.view()
        self.cursor = None
        self.panels.look_at(start, end)
        self.panels.range.update(reset_start=start / MILLISECOND, reset_end=end / MILLISECOND)
        self.draw(start, end)
        self.refresh()
        if self._ahead is not None:
            self.document.remove_timeout_callback(self._ahead)
        self._ahead = self.document.add_timeout_callback(self.read_ahead, AHEAD)

    def draw(self, start: int, end: int) -> None:
        """The curves between two times (nanoseconds)."""
        self._drawn = start, end
        item = self.desk.item
        self.panels.draw(self._curves(item, start, end), start, end, self.common)
        first, last = with_margins(start, end)
        short = last - first <= SHORT
        spectrogram = self.spectrogram and short
        curves = self.waveforms.samples(item.instrument, first, last, self.filtered) if spectrogram else None
        self.panels.draw_spectrograms(curves)
        if self.section.panel.visible and short:
            traces = self._traces(item, start, end)
            self.section.draw(self.waveforms, traces, item, start, end, self.filtered)
        elif self.section.panel.visible or self.spectrogram:
            self.notice.text = TOO_LONG

    def read_ahead(self) -> None:
        """What the next item shows, while this one is looked at."""
        self._ahead = None
        place = self.desk.place + 1
        if place < len(self.review.queue):
            item = self.review.queue[place]
            start, end = item.view()
            self._curves(item, start, end)
            for trace in self._traces(item, start, end) if self.section.panel.visible else ():
                self.waveforms.samples(trace.instrument, start, end, self.filtered)

    def _curves(self, item: Item, start: int, end: int) -> Curves:
        return self.waveforms.curves(item.instrument, *with_margins(start, end), self.filtered)

    def _traces(self, item: Item, start: int, end: int) -> list[Trace]:
        """The stations of the section, the nearest first."""
        states = [
            state
            for state in self.review.states().values()
            if start <= state.start <= end and state.verdict != "rejected"
        ]
        recorded = self.waveforms.recorded(start, end)
        return arrange(recorded, states, item.instrument, start, self.section.coordinates)[:MOST]

    def refresh(self) -> None:
        """Lines and words, as the journal has them now."""
        state, item = self.desk.state, self.desk.item
        self._drawing = True
        try:
            for phase, lines in self.lines.items():
                time = None if state is None else state.times().get(phase)
                for line in lines:
                    # A line without a location could still be dragged from where it was drawn last.
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
        self.panels.others.data = {"time": [time for time, _ in beside], "colour": [colour for _, colour in beside]}
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
        lines = [*map(html.escape, words), bar]
        if self.explained:
            link = f"{self.explained}?item={self.desk.place + 1}"
            lines[0] += f' · <a href="{link}" target="_blank">look into the network</a>'
        self.info.text = "<br>".join(lines)
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
            self.draw(*self.panels.seen())
            self.refresh()
        elif key in ("t", "g"):
            self.spectrogram ^= key == "t"
            self.section.panel.visible ^= key == "g"
            self.draw(*self.panels.seen())
        elif key == "w":
            start = self.desk.item.start // DAY * DAY
            self.panels.look_at(start, start + DAY)
            self.draw(start, start + DAY)
        elif key == "v":
            self.show()
        if key not in LOOKS:
            self._tell_others()

    def _saved(self, action: Callable[[], object]) -> bool:
        """Do something that writes to the journal; say so where it could not be saved."""
        before = self.desk.item
        try:
            action()
        except OSError as error:
            self.desk.message = f"NOT SAVED: {error.strerror or error}"
            self.refresh()
            return False
        self.refresh()
        if self.section.panel.visible and self.desk.item is before:
            self.draw(*self.panels.seen())  # its picks, too
        return True

    def _tapped(self, event: Tap) -> None:
        self.cursor = round(event.x * MILLISECOND)
        self.refresh()

    def _zoomed(self, event: PlotEvent) -> None:
        """The panels share a range, and each of them reports it: the first report is enough."""
        if self.panels.seen() != self._drawn:
            self.draw(*self.panels.seen())

    def _dragged(self, phase: str, location: float | None) -> None:
        """A line was dragged: save it once it stands still."""
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
        """Save lines that have not stood still for long enough yet, before the desk goes on to something else."""
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


def with_margins(start: int, end: int) -> tuple[int, int]:
    """The stretch to draw: half as much again on either side, so that the view can be moved."""
    beside = min((end - start) // 2, 60 * 10**9)
    return start - beside, end + beside
