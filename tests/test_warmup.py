"""Compiling ahead: everything a step needs is on disk, and a second call finds it there."""

from __future__ import annotations

import subprocess

import pytest

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
    monkeypatch.setattr(warmup, "marker", lambda: ready)
    warmup.warm_up()


def test_the_readable_mode_needs_nothing(nobody_compiles, monkeypatch, tmp_path):
    monkeypatch.setattr(warmup, "marker", lambda: tmp_path / "never")
    with backend.using("readable"):
        warmup.warm_up()
