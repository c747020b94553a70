"""Corrections as an append-only journal: OUT/review.jsonl, one line per correction.

    {"id": "5f0c…", "who": "anna", "when": "2026-11-28T18:40:11.123456Z", "event": "PB.B204..EH/1644111…",
     "field": "p", "old": 1644111788000000000, "new": 1644111788120000000, "act": "do"}

A correction sets one field of one event: `old` is what its author saw, `new` what it is to be. The state of a field is
the `new` of its last line. Nothing is ever taken out of the file: an undo is a line of its own.

Every line is on the disk before `write` returns. Writers take turns (a lock on the folder), and each reads what the
others wrote before it writes. A line that a killed process left unfinished is skipped and counted; the next writer
begins a new line after it. Two lines about one field conflict if the later author did not know the earlier line and
says something else: the later counts, and both are listed until somebody sets the field again.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minieqt.files import force_to_disk, locked

NAME = "review.jsonl"
FIELDS = {"p": (int,), "s": (int,), "verdict": (str,), "event": (dict,)}  # what a field holds where it is not None
ACTS = ("do", "undo", "redo")

Place = tuple[str, str]  # event, field


@dataclass(frozen=True)
class Correction:
    """One line. p, s: nanoseconds since 1970; verdict: see `state`; event: one that a person added."""

    id: str
    who: str
    when: str
    event: str
    field: str
    old: Any
    new: Any
    act: str = "do"

    @property
    def place(self) -> Place:
        """What it sets."""
        return self.event, self.field

    def line(self) -> bytes:
        """As it stands in the file, its end included."""
        return json.dumps(asdict(self), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Correction:
        """ValueError for what is no correction."""
        try:
            found = cls(**json.loads(line))
        except (TypeError, RecursionError) as error:
            raise ValueError(str(error)) from error
        texts = (found.id, found.who, found.when, found.event)
        if not all(isinstance(text, str) for text in texts) or found.field not in FIELDS or found.act not in ACTS:
            raise ValueError("not a correction")
        for value in (found.old, found.new):
            if value is not None and (isinstance(value, bool) or not isinstance(value, FIELDS[found.field])):
                raise ValueError(f"{found.field} cannot be {value!r}")
        return found


class Journal:
    """The corrections of one OUT, and the values they lead to. OSError where the file cannot be read or written."""

    def __init__(self, out: Path):
        self.path = out / NAME
        self.corrections: list[Correction] = []
        self.unreadable = 0  # lines that are no correction: torn ones, and others
        self.conflicts: dict[Place, tuple[Correction, Correction]] = {}  # the earlier and the later
        self._last: dict[Place, Correction] = {}
        self._ids: set[str] = set()
        self._done: dict[str, list[Correction]] = {}  # by author, what undo takes back, the last at the end
        self._undone: dict[str, list[Correction]] = {}
        self._read_to = 0
        self.refresh()

    def refresh(self) -> int:
        """Read what others have written since: how many corrections."""
        if not self.path.exists():
            return 0
        with locked(self.path.parent):
            return self._read()

    def value(self, event: str, field: str, unless: Any = None) -> Any:
        """What a field is now; `unless` where nobody has set it."""
        last = self._last.get((event, field))
        return unless if last is None else last.new

    def author(self, event: str, field: str) -> str | None:
        """Who set a field last; None if nobody did."""
        last = self._last.get((event, field))
        return None if last is None else last.who

    def events(self) -> Iterator[str]:
        """The events that somebody has set a field of, in the order in which that happened first."""
        return iter(dict.fromkeys(event for event, _ in self._last))

    def write(self, who: str, event: str, field: str, old: Any, new: Any) -> Correction:
        """Set a field; `old` is what its author saw. On the disk when it returns."""
        with locked(self.path.parent):
            self._read()
            return self._append(who, event, field, old, new, "do")

    def undo(self, who: str) -> Correction | None:
        """Take back the last thing that somebody did; None if there is none.

        A field that has been set anew since, by whomever, stays as it is: `old` and `new` of the answer are equal.
        """
        return self._back_or_forth(who, self._done, "undo")

    def redo(self, who: str) -> Correction | None:
        """Do again what was undone last; None if there is nothing, or something else was done since."""
        return self._back_or_forth(who, self._undone, "redo")

    def _back_or_forth(self, who: str, stacks: dict[str, list[Correction]], act: str) -> Correction | None:
        with locked(self.path.parent):
            self._read()
            if not stacks.get(who):
                return None
            of = stacks[who][-1]
            there, other = (of.new, of.old) if act == "undo" else (of.old, of.new)
            now = self._last[of.place].new
            return self._append(who, *of.place, now, other if now == there else now, act)

    # -- the file, while it is locked --------------------------------------------------------------------------------

    def _read(self) -> int:
        """Read what was added. A last line without an end is torn, as nobody else is writing now."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read_to)
                added = file.read()
        except FileNotFoundError:
            return 0
        self._read_to += len(added)
        before = len(self.corrections)
        for line in added.split(b"\n"):
            if line.strip():
                try:
                    self._apply(Correction.read(line))
                except ValueError:
                    self.unreadable += 1
        return len(self.corrections) - before

    def _append(self, who: str, event: str, field: str, old: Any, new: Any, act: str) -> Correction:
        when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        correction = Correction(uuid.uuid4().hex, who, when, event, field, old, new, act)
        Correction.read(correction.line())  # a bug must not write a line that cannot be read
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            size = os.lseek(descriptor, 0, os.SEEK_END)
            line = correction.line()
            if size:
                os.lseek(descriptor, size - 1, os.SEEK_SET)
                line = (b"" if os.read(descriptor, 1) == b"\n" else b"\n") + line
            try:
                written = 0
                while written < len(line):
                    written += os.write(descriptor, line[written:])
                os.fsync(descriptor)
            except OSError:  # a full disk: remove the part of the line that was written
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        if is_new:
            force_to_disk(self.path.parent)
        self._read()
        return correction

    def _apply(self, new: Correction) -> None:
        if new.id in self._ids:  # two journals with a common part were put together
            return
        self._ids.add(new.id)
        self.corrections.append(new)
        last = self._last.get(new.place)
        if last is not None and last.new != new.old and last.new != new.new:
            self.conflicts[new.place] = last, new
        elif last is not None and last.new == new.old and new.act == "do":
            self.conflicts.pop(new.place, None)
        self._last[new.place] = new
        done, undone = self._done.setdefault(new.who, []), self._undone.setdefault(new.who, [])
        if new.act == "do":
            done.append(new)
            undone.clear()
        elif new.act == "undo" and done:
            undone.append(done.pop())
        elif new.act == "redo" and undone:
            done.append(undone.pop())
