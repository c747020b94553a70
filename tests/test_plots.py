"""Figures: drawn without a display, saved whole, saying what they show."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt.plots import learning_curves, plot_window, save_figure
from minieqt.training.history import History


def history(epochs):
    h = History()
    for e in range(epochs):
        h.add(epoch=e + 1, learning_rate=1e-3, loss=1 / (e + 1), penalty=0, validation_loss=abs(e - 3) + 0.1)
    return h


@pytest.mark.parametrize("epochs", [1, 2, 60])
def test_learning_curves(epochs, tmp_path):
    figure = learning_curves(history(epochs))
    losses, rate = figure.axes
    assert losses.lines[0].get_xydata().tolist() == [[e + 1, 1 / (e + 1)] for e in range(epochs)]
    assert losses.get_ylabel() and rate.get_ylabel() and rate.get_xlabel() == "epoch"
    save_figure(figure, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(tmp_path.iterdir())) == 1


def test_the_best_epoch_is_marked():
    losses = learning_curves(history(8)).axes[0]
    assert losses.lines[2].get_xydata().tolist() == [[4, 0.1]]


def test_plot_window(rng):
    x = rng.standard_normal((3, 6000))
    figure = plot_window(x, tuple(np.clip(x, 0, 1)), {"P": 500, "S": np.nan}, {"P": 520.0}, "a window")
    assert len(figure.axes) == 4
    assert [axes.get_ylabel()[0] for axes in figure.axes[:3]] == ["E", "N", "Z"]
    assert "(s)" in figure.axes[-1].get_xlabel()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["detection", "P", "S", "P, analyst", "P, minieqt"]


def test_plot_window_waveform_only(rng, tmp_path):
    figure = plot_window(rng.standard_normal((3, 6000)))
    assert len(figure.axes) == 3 and not figure.legends
    save_figure(figure, tmp_path / "window.pdf")
    assert (tmp_path / "window.pdf").read_bytes().startswith(b"%PDF")
