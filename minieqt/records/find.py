"""The files of an archive: folders are looked through, links followed, each file found once.

Hidden files and folders are not looked at, nor what minieqt wrote: a folder that holds `station_days` is an OUT of
`pick`, and the probabilities in it are no records. What may not be opened is reported, and the rest goes on.
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
    seen: set[tuple[int, int]] = set()  # files and folders by device and number, so that a link counts as its target
    for path in inputs:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder")
        if path.is_dir():
            yield from files_below(path, refuse, seen, out and out.resolve())
        elif is_new(path, seen):
            yield path


def files_below(folder: Path, refuse: Refuse, seen: set[tuple[int, int]], out: Path | None) -> Iterator[Path]:
    """The files of a folder and of all below it, links followed; a folder that was seen is not entered again.

    The folder's list gives types and inode numbers: on a network file system a million calls of stat take minutes.
    """
    if not is_new(folder, seen):
        return
    try:
        with os.scandir(folder) as listed:
            found = sorted(listed, key=lambda entry: entry.name)
        device = folder.stat().st_dev
    except OSError:
        refuse(folder, FORBIDDEN)
        return
    ours = any(entry.name == OURS[0] for entry in found)
    for entry in found:
        path = folder / entry.name
        if entry.name.startswith(".") or (ours and entry.name in OURS):
            continue
        if is_folder(entry):
            if out is None or path.resolve() != out:
                yield from files_below(path, refuse, seen, out)
        elif entry.is_symlink():
            if not path.exists():
                refuse(path, DANGLING)
            elif path.is_file() and is_new(path, seen):
                yield path
        elif entry.is_file() and is_unseen((device, entry.inode()), seen):
            yield path


def is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def is_new(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether a file or folder was not seen before, under whatever name."""
    try:
        stat = path.stat()
    except OSError:
        return True  # whoever opens it will say so
    return is_unseen((stat.st_dev, stat.st_ino), seen)


def is_unseen(key: tuple[int, int], seen: set[tuple[int, int]]) -> bool:
    if key in seen:
        return False
    seen.add(key)
    return True
