"""Progress: a bar on a terminal, silence elsewhere, windows per second in either case."""

from __future__ import annotations

import io

from minieqt.training import progress
from minieqt.training.progress import EpochProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def draw(stream, monkeypatch, first_batch=0):
    monkeypatch.setattr("sys.stderr", stream)
    clock = iter(range(100))
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    with EpochProgress("epoch 1/2", 4, first_batch) as bar:
        for _ in range(4 - first_batch):
            bar.update(0.25, 8)
            bar.bar.refresh()
    return bar


def test_a_bar_on_a_terminal(monkeypatch):
    terminal = Terminal()
    bar = draw(terminal, monkeypatch)
    assert bar.windows_per_second == 8
    assert "epoch 1/2: 100%" in terminal.getvalue() and "loss 0.2500, 8.0 windows/s" in terminal.getvalue()


def test_a_resumed_epoch_starts_where_it_was(monkeypatch):
    terminal = Terminal()
    bar = draw(terminal, monkeypatch, first_batch=2)
    assert bar.windows_per_second == 8
    assert "3/4" in terminal.getvalue() and "1/4" not in terminal.getvalue()


def test_silence_elsewhere(monkeypatch):
    stream = io.StringIO()
    assert draw(stream, monkeypatch).windows_per_second == 8
    assert stream.getvalue() == ""
