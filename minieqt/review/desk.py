"""What a person does on the page, without the page: the place in the queue, the detection, the corrections.

Each browser tab has a desk; all tabs of a server share the journal, the queue and the records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from obspy import UTCDateTime

from minieqt.records.span import DAY
from minieqt.review.journal import Correction, Journal
from minieqt.review.queue import Item
from minieqt.review.state import Out, Reviewed, key_of, new_event, reviewed, update


@dataclass
class Review:
    """What all tabs share."""

    out: Out
    journal: Journal
    queue: list[Item]
    who: str

    def __post_init__(self) -> None:
        self._states = reviewed(self.out, self.journal)
        self._known = len(self.journal.corrections)

    def states(self) -> dict[str, Reviewed]:
        """Every detection as it stands; only those corrected since the last call are computed again."""
        for correction in self.journal.corrections[self._known :]:
            update(self._states, correction.event, self.out, self.journal)
        self._known = len(self.journal.corrections)
        return self._states

    def judged(self) -> int:
        """How many items of the queue somebody has judged."""
        return sum(self.journal.value(item.key, "verdict") is not None for item in self.queue)


class Desk:
    """One person at one item of the queue."""

    def __init__(self, review: Review):
        self.review = review
        self.message = ""
        keys = [item.key for item in review.queue]
        judged = [review.journal.value(key, "verdict") is not None for key in keys]
        self.show(judged.index(False) if False in judged else 0)

    @property
    def item(self) -> Item:
        """What is looked at."""
        return self.review.queue[self.place]

    @property
    def state(self) -> Reviewed | None:
        """The detection whose picks can be moved; None in a quiet minute to which nobody has added one."""
        return None if self.selected is None else self.review.states().get(self.selected)

    def show(self, place: int) -> None:
        """Go to an item of the queue."""
        self.place = min(max(place, 0), len(self.review.queue) - 1)
        self.selected: str | None = None if self.item.quiet else self.item.key

    def beside(self) -> Mapping[str, Reviewed]:
        """The station's other detections, of a day before and after."""
        at = self.item.instrument
        return {
            key: state
            for key, state in self.review.states().items()
            if abs(state.start - self.item.start) < DAY
            and key != self.selected
            and state.verdict != "rejected"
            and (state.instrument.network, state.instrument.station) == (at.network, at.station)
        }

    def conflicts(self) -> list[str]:
        """What two people said differently about what is looked at."""
        told = []
        for (event, field), (earlier, later) in self.review.journal.conflicts.items():
            if event in (self.selected, self.item.key):
                values = (f"{value.who} says {in_words(field, value.new)}" for value in (earlier, later))
                told.append(f"conflict: {', '.join(values)}: the later counts until you accept or change it")
        return told

    # -- corrections -------------------------------------------------------------------------------------------------

    def judge(self, verdict: str) -> None:
        """Accept, reject or leave open what is looked at, and go on to the next."""
        journal, who = self.review.journal, self.review.who
        for event, field in list(journal.conflicts):
            if event in (self.selected, self.item.key) and (event, field) != (self.item.key, "verdict"):
                now = journal.value(event, field)
                journal.write(who, event, field, now, now)  # agreed
        key = self.item.key
        self._set(key, "verdict", journal.value(key, "verdict"), verdict)
        self.message = f"{verdict}: saved"
        if self.place < len(self.review.queue) - 1:
            self.show(self.place + 1)
        else:
            self.message = f"{verdict}: saved; this was the last of the queue"

    def put(self, phase: str, time: int) -> None:
        """Set P or S to a time (nanoseconds): moved or added; in a quiet minute a new earthquake, if there is none."""
        if self.state is None:
            self.add(time)
        state = self.state
        if state is None or self.selected is None:
            return
        old = state.times().get(phase)
        self._set(self.selected, phase.lower(), old, time)
        self.message = f"{phase} {in_words('p', time)}: saved"
        now = self.state
        if now is not None and now.p is not None and now.s is not None and now.s <= now.p:
            self.message += "; S does not stand after P"

    def delete(self, phase: str) -> None:
        """Take P or S away."""
        state = self.state
        if state is not None and self.selected is not None and phase in state.times():
            self._set(self.selected, phase.lower(), state.times()[phase], None)
            self.message = f"{phase} taken away: saved"
        else:
            self.message = f"there is no {phase}"

    def add(self, time: int) -> None:
        """A new earthquake, whose picks are set next."""
        at = self.item.instrument
        key = key_of(at, time)
        if key not in self.review.states():
            self._set(key, "event", None, new_event(at, time, time))
        self.selected = key
        self.message = "a new earthquake: set its P and S"

    def undo(self) -> None:
        self._back_or_forth(self.review.journal.undo(self.review.who), "undo")

    def redo(self) -> None:
        self._back_or_forth(self.review.journal.redo(self.review.who), "redo")

    def _back_or_forth(self, done: Correction | None, what: str) -> None:
        if done is None:
            self.message = f"nothing to {what}"
            return
        places = {item.key: place for place, item in enumerate(self.review.queue)}
        if done.event in places:
            self.show(places[done.event])
        elif done.event in self.review.states():
            self.selected = done.event
        elif self.selected == done.event:
            self.show(self.place)
        self.message = f"{what}: {done.field} is {in_words(done.field, done.new)}"
        if done.old == done.new and done.field != "event":
            self.message = f"{what}: {done.field} was set by somebody else since, and stays"

    def _set(self, event: str, field: str, old: object, new: object) -> None:
        if old != new or (event, field) in self.review.journal.conflicts:  # the same value again settles a conflict
            self.review.journal.write(self.review.who, event, field, old, new)


def in_words(field: str, value: object) -> str:
    """A field's value as a person reads it."""
    if value is None:
        return "not judged" if field == "verdict" else "nothing"
    return UTCDateTime(ns=value).strftime("%H:%M:%S.%f")[:-4] if field in ("p", "s") else str(value)
