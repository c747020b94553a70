"""Files are whole or not there."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from minieqt import files
from minieqt.files import atomic_write, csv_lines, locked, write_text


def test_write_and_replace(tmp_path):
    write_text(tmp_path / "a.txt", "one")
    write_text(tmp_path / "a.txt", "zwei ü")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "zwei ü"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_name_that_is_not_utf_8_can_be_told(tmp_path):
    write_text(tmp_path / "a.txt", os.fsdecode(b"stra\xdfe"))
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == r"stra\udcdfe"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_writer_left_is_cleared_up(tmp_path):
    with atomic_write(tmp_path / "a [1].txt") as partial:
        partial.write_text("new")
    partial.write_text("half, then killed")
    write_text(tmp_path / "a [1].txt", "newer")
    assert partial.exists()  # it might still be written
    os.utime(partial, (0, 0))
    write_text(tmp_path / "a [1].txt", "newest")
    assert [p.name for p in tmp_path.iterdir()] == ["a [1].txt"]


def test_two_writers_at_once_do_not_meet(tmp_path):
    with atomic_write(tmp_path / "a.txt") as first, atomic_write(tmp_path / "a.txt") as second:
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a.txt").read_text() == "first"
    assert len(list(tmp_path.iterdir())) == 1


def test_who_does_not_wait_for_a_lock_is_told(tmp_path):
    with locked(tmp_path), pytest.raises(BlockingIOError), locked(tmp_path, wait=False):
        pass
    with locked(tmp_path, wait=False):
        pass


def test_a_lock_keeps_others_waiting(tmp_path):
    counted = tmp_path / "count"
    counted.write_text("0")

    def count(_):
        with locked(tmp_path):
            before = int(counted.read_text())
            time.sleep(0.01)
            counted.write_text(str(before + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(12)))
    assert counted.read_text() == "12"


@pytest.mark.parametrize("system", ["posix", "nt"])
def test_folders_are_not_opened_where_they_cannot_be(tmp_path, monkeypatch, system):
    opened = []
    real = os.open
    monkeypatch.setattr(files, "os", SimpleNamespace(**vars(os) | {"name": system}))
    monkeypatch.setattr(files.os, "open", lambda path, mode: opened.append(Path(path)) or real(path, mode))
    write_text(tmp_path / "a.txt", "one")
    assert (tmp_path in opened) == (system == "posix")


def test_csv_lines():
    assert list(csv_lines([("a", 1.5, None), ['two, "quoted"', "", "ü"]])) == ["a,1.5,\n", '"two, ""quoted""",,ü\n']
