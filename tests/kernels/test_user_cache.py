"""A folder for caches is found for users without a home, and none where nothing can be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from kernels import user_cache as module
from kernels.user_cache import user_cache


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path / "tmp"


def no_home():
    raise RuntimeError("Could not determine home directory.")


def test_the_users_choice_comes_first(tmp_path, temporary, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "chosen"))
    assert user_cache() == tmp_path / "chosen" / "minieqt" and user_cache().is_dir()


def test_then_home(tmp_path, temporary, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert user_cache() == tmp_path / "home" / ".cache" / "minieqt"


@pytest.mark.parametrize("home", [no_home, lambda: Path("/proc/nobody")])
def test_without_a_home_the_temporary_folder(temporary, monkeypatch, home):
    monkeypatch.setattr(Path, "home", home)
    found = user_cache()
    assert found.parent == temporary and str(os.getuid()) in found.name and found.stat().st_mode & 0o77 == 0


def test_nothing_can_be_written(temporary, monkeypatch):
    monkeypatch.setattr(module, "can_write", lambda folder: False)
    assert user_cache() is None


def test_a_file_in_the_way_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    assert not module.can_write(tmp_path / "file") and not module.can_write(tmp_path / "file" / "below")
