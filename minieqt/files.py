"""Files that are never half-written: write under another name, then rename.

A rename within a folder is atomic: whoever opens the file sees the old one or the new one, whole, even if the
process is killed in between. The contents are forced to disk before the rename, so that the same holds for a
machine that loses its power.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

FORGOTTEN = 3600.0  # s after which a partial file that nobody wrote to belongs to nobody


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a name to write to, in the same folder; on leaving, the file written there becomes `path`.

    If the block raises, `path` stays as it was and the partial file goes away. Every writer has a name of its own, so
    that two at once do not meet; what one that was killed has left goes away an hour later, with the next.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.partial")
    for left in path.parent.glob(f".{glob_safe(path.name)}.*.partial"):
        try:
            if time.time() - left.stat().st_mtime > FORGOTTEN:
                left.unlink()
        except OSError:  # another writer's, which is gone by now
            pass
    try:
        with named(path):
            yield partial
            force_to_disk(partial)
            os.replace(partial, path)
            force_to_disk(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """An OSError from inside tells of this file if it tells of none: a full disk does not say whose."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def glob_safe(name: str) -> str:
    """A name as a pattern that only it matches."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def write_text(path: Path, text: str) -> None:
    """Write a small text file (UTF-8), whole or not at all; a byte of a name that is no UTF-8 stands as \\udcff."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Rows as lines of CSV, each with its end."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    for row in rows:
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def force_to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk; Windows opens no folders, and writes them."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """One process at a time, all others wait: held by whoever has locked the folder.

    The system lets go of it when the process ends, however it ends. On a disk that knows no locks nobody waits.
    Without `wait`, BlockingIOError if another process holds it.
    """
    windows = os.name == "nt"  # which opens no folders
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT) if windows else os.open(folder, os.O_RDONLY)
    try:
        try:
            if windows:
                import msvcrt

                msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            else:
                import fcntl

                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            if not wait and isinstance(error, (BlockingIOError, PermissionError)):  # the latter is Windows' word
                raise BlockingIOError(f"another process holds {folder}") from error
        yield
    finally:
        os.close(descriptor)
