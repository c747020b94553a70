"""Files are whole or not there."""

from __future__ import annotations

import pytest

from minieqt.files import replacing, write_text


def test_write_and_replace(tmp_path):
    write_text(tmp_path / "a.txt", "one")
    write_text(tmp_path / "a.txt", "zwei ü")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "zwei ü"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), replacing(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_writer_left_is_cleared_up(tmp_path):
    with replacing(tmp_path / "a.txt") as partial:
        partial.write_text("new")
    partial.write_text("half, then killed")
    write_text(tmp_path / "a.txt", "newer")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
