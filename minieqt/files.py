"""Files that are never half-written: write under another name, then rename.

A rename within a folder is atomic: a reader sees the old file or the new one, complete, even if the process is
killed in between. The contents are forced to disk before the rename, so that the same holds when the power fails.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

FORGOTTEN = 3600.0  # s without a write after which a partial file is taken for a killed process's


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a name to write to, in the same folder; on leaving, the file written there becomes `path`.

    If the block raises, `path` stays as it was and the partial file is removed. Every writer has a name of its own, so
    that two can write at once. A file that a killed writer left is removed by the next one, after an hour.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.partial")
    for left in path.parent.glob(f".{glob_safe(path.name)}.*.partial"):
        try:
            if time.time() - left.stat().st_mtime > FORGOTTEN:
                left.unlink()
        except OSError:  # another writer has removed or renamed it by now
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
    """Add this file's name to an OSError from inside that names no file, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def glob_safe(name: str) -> str:
    """A name as a pattern that only it matches."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def write_text(path: Path, text: str) -> None:
    """Write a small text file (UTF-8), whole or not at all; bytes of a file name that are not UTF-8 become \\udcff."""
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
    """Wait until a file, or a folder's list of names, is on the disk; Windows cannot open folders, nor needs it."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a folder, which one process at a time can hold; all others wait.

    The system releases it when the process ends, however it ends. On a file system without locks it has no effect.
    Without `wait`, BlockingIOError if another process holds it.
    """
    windows = os.name == "nt"  # cannot open folders
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
            if not wait and isinstance(error, (BlockingIOError, PermissionError)):  # the latter on Windows
                raise BlockingIOError(f"another process holds {folder}") from error
        yield
    finally:
        os.close(descriptor)
