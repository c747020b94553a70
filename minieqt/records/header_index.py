"""A cache of headers: a file whose size and time of change are the same is not read again.

A SQLite file. Where it cannot be read or written (a network file system without locks, another program's file), headers
are read as if there were none.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

import obspy

from minieqt.records.contents import Contents, Entry, Part
from minieqt.records.left_out import Row

NAME = ".headers.sqlite"  # hidden: a folder that is looked through for records may hold it
MADE = f"2, ObsPy {obspy.__version__}"  # which decides what can be read
EVERY = 1.0  # s between two writings
WAIT = 5.0  # s for another run that writes


class HeaderIndex:
    """{file: its Contents} in a file, which is made when there is something to write."""

    def __init__(self, path: Path):
        self.path = path
        self._known: sqlite3.Connection | None = None
        self._new: list[tuple[bytes, int, int, str, str]] = []
        self._written = time.monotonic()
        if path.exists():
            self._open()

    def get(self, path: Path, stat: os.stat_result) -> Contents | None:
        """What a file held when it was looked at, if it has not changed since."""
        with suppress(sqlite3.Error, ValueError, TypeError):
            if self._known is not None:
                query = "SELECT held FROM files WHERE path = ? AND size = ? AND changed = ? AND made = ?"
                key = (key_of(path), stat.st_size, stat.st_mtime_ns, MADE)
                row = self._known.execute(query, key).fetchone()
                return None if row is None else from_json(path, row[0])
        return None

    def put(self, path: Path, stat: os.stat_result, contents: Contents) -> None:
        """Remember what a file holds; `stat` was taken before its headers were read."""
        held = to_json(path, contents.merged())
        self._new.append((key_of(path), stat.st_size, stat.st_mtime_ns, MADE, held))
        if time.monotonic() - self._written > EVERY:
            self.write()

    def write(self) -> None:
        """Store what is new."""
        if self._new and self._known is None:
            self._open()
        with suppress(sqlite3.Error):
            if self._known is not None:
                with self._known:
                    self._known.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", self._new)
        self._new.clear()
        self._written = time.monotonic()

    def _open(self) -> None:
        with suppress(sqlite3.Error):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._known = sqlite3.connect(self.path, timeout=WAIT)
            columns = "path BLOB PRIMARY KEY, size INTEGER, changed INTEGER, made TEXT, held TEXT"
            self._known.execute(f"CREATE TABLE IF NOT EXISTS files ({columns})")
            return
        self._known = None


def key_of(path: Path) -> bytes:
    """The absolute path, in bytes: a name need not be UTF-8, as SQLite's text is."""
    return os.fsencode(os.path.abspath(path))


def to_json(path: Path, contents: Contents) -> str:
    """Without the file's own path, which may be given in another way the next time."""
    entries = [[*station, at.part.offset, at.part.size, at.start, at.end] for station, at in contents.entries]
    rows = [[row.id, row.path.removeprefix(str(path)), *astuple(row)[2:]] for row in contents.rows]
    return json.dumps([entries, rows, contents.complaint.removeprefix(str(path))])


def from_json(path: Path, text: str) -> Contents:
    entries, rows, complaint = json.loads(text)
    return Contents(
        [((net, sta), Entry(Part(path, offset, size), *span)) for net, sta, offset, size, *span in entries],
        [Row(id, str(path) + rest, *more) for id, rest, *more in rows],
        str(path) + complaint if complaint else "",
    )
