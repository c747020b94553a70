"""Compiling ahead: everything a step needs is on disk, and a second call finds it there."""

from __future__ import annotations

import subprocess
import threading
from types import SimpleNamespace

import pytest

from kernels.cuda.sources import FOLDER
from minieqt import backend, warmup


def test_a_step_after_it_compiles_nothing():
    warmup.warm_up()
    assert warmup.marker().exists()
    assert warmup.compile_kernels() == 0
    assert warmup.compile_kernels(length=6000) == 0


@pytest.fixture
def nobody_compiles(monkeypatch):
    """Any attempt to start the compiling process fails the test."""

    def refuse(*args, **kwargs):
        raise AssertionError("nothing should be compiled")

    monkeypatch.setattr(subprocess, "run", refuse)


def test_once_is_enough(nobody_compiles, monkeypatch, tmp_path):
    ready = tmp_path / "ready"
    ready.touch()
    monkeypatch.setattr(warmup, "marker", lambda part="": ready)
    warmup.warm_up()


def test_a_gpu_needs_none_of_the_processors(nobody_compiles, pretended, monkeypatch, capsys):
    """Its own files, all of them, several at a time; and one line where it takes a while and nobody sees a bar."""
    compiled, meeting = [], threading.Barrier(2)

    def compile_one(module):
        compiled.append(module.source)
        if len(compiled) <= 2:
            meeting.wait(30)

    monkeypatch.setattr(pretended.RawModule, "compile", compile_one)
    monkeypatch.setattr(warmup, "AT_ONCE", 0)
    with backend.using("fast"):
        warmup.warm_up("cuda")
    assert sorted(compiled) == sorted(path.name for path in FOLDER.glob("*.cu"))
    assert capsys.readouterr().out == f"{warmup.GPU_TITLE}: one or two minutes\n"


def test_beside_a_gpu_the_loaders_alone(pretended, monkeypatch, tmp_path):
    commands, done = [], SimpleNamespace(returncode=0)
    monkeypatch.setattr(pretended.RawModule, "compile", lambda module: None)
    monkeypatch.setattr(warmup, "marker", lambda part="": tmp_path / f"ready{part}")
    monkeypatch.setattr(subprocess, "run", lambda command, env: commands.append(command) or done)
    with backend.using("fast"):
        for _ in range(2):
            warmup.warm_up("cuda", loader=True)
    assert [command[-2:] for command in commands] == [["minieqt.warmup", "loader"]]


def test_the_readable_mode_needs_nothing(nobody_compiles, monkeypatch, tmp_path):
    monkeypatch.setattr(warmup, "marker", lambda part="": tmp_path / "never")
    with backend.using("readable"):
        warmup.warm_up()
