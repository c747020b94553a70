"""The kernels' cache: one folder for one state of the sources."""

from __future__ import annotations

import os

from kernels.cpu.runtime import compile as kernel_compile


def test_the_folder_depends_on_the_sources(monkeypatch, tmp_path):
    sources = tmp_path / "kernels" / "cpu"
    (sources / "room").mkdir(parents=True)
    monkeypatch.setattr(kernel_compile, "SOURCES", sources)

    def folder(text):
        (sources / "room" / "kernel.py").write_text(text)
        kernel_compile.cache_folder.cache_clear()
        return kernel_compile.cache_folder()

    first = folder("a = 1")
    first.mkdir(parents=True)
    second = folder("a = 2")
    assert first != second and first.parent == second.parent == sources / "__pycache__"
    assert not first.exists()  # what no source has any more is removed
    assert folder("a = 1") == first
    monkeypatch.undo()
    kernel_compile.cache_folder.cache_clear()


def test_a_read_only_install_uses_the_users_cache(monkeypatch, tmp_path):
    may = os.access
    beside = kernel_compile.SOURCES / "__pycache__"
    monkeypatch.setattr(kernel_compile.os, "access", lambda path, mode: path != beside and may(path, mode))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kernel_compile.cache_folder.cache_clear()
    assert kernel_compile.cache_folder().parent == tmp_path / "minieqt"
    monkeypatch.undo()
    kernel_compile.cache_folder.cache_clear()
