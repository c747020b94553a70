"""The files of an archive: folders are looked through, links followed, each file found once.

Hidden files and folders are not looked at, nor what minieqt wrote: a folder that holds `station_days` is an OUT of
`pick`, and the probabilities in it are no records. What may not be opened is told to the caller, and the rest goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from minieqt.errors import UserError

OURS = ("station_days", "probabilities", "plots")  # folders of an OUT
FORBIDDEN = "folder that may not be read"
DANGLING = "link that leads nowhere"

Refuse = Callable[[Path, str], object]  # gets a path and why it is not used


def find_files(inputs: Iterable[Path], refuse: Refuse, out: Path | None = None) -> Iterator[Path]:
    """Every file of the inputs once, in order of their names; nothing below `out`. UserError if an input is missing."""
    seen: set[tuple[int, int]] = set()  # files and folders, by device and number: links to them are they
    for path in inputs:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder")
        found = [path] if not path.is_dir() else files_below(path, refuse, seen, out and out.resolve())
        for file in found:
            if is_new(file, seen):
                yield file


def files_below(folder: Path, refuse: Refuse, seen: set[tuple[int, int]], out: Path | None) -> Iterator[Path]:
    """The files of a folder and of all below it, links followed; a folder that was seen is not entered again."""
    if not is_new(folder, seen):
        return
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        refuse(folder, FORBIDDEN)
        return
    for name in names:
        path = folder / name
        if name.startswith(".") or (name in OURS and OURS[0] in names):
            continue
        if path.is_dir():
            if out is None or path.resolve() != out:
                yield from files_below(path, refuse, seen, out)
        elif path.is_file():
            yield path
        elif path.is_symlink():
            refuse(path, DANGLING)


def is_new(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether a file or folder was not seen before, under whatever name."""
    try:
        stat = path.stat()
    except OSError:
        return True  # whoever opens it will say so
    key = stat.st_dev, stat.st_ino
    if key in seen:
        return False
    seen.add(key)
    return True
