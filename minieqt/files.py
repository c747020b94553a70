"""Files that are never half-written: write under another name, then rename.

A rename within a folder is atomic: whoever opens the file sees the old one or the new one, whole, even if the
process is killed in between. The contents are forced to disk before the rename, so that the same holds for a
machine that loses its power.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write to, in the same folder; on leaving, the file written there becomes `path`.

    If the block raises, `path` stays as it was and the partial file goes away. The name is always the same,
    so that the next writer clears up after one that was killed.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        force_to_disk(partial)
        os.replace(partial, path)
        force_to_disk(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small text file (UTF-8), whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def force_to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
