"""evaluate: eval mode, every row of every batch looked up in the table."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from small_windows import table

from minieqt.evaluation.evaluate import evaluate


class Oracle:
    """A stand-in network that reads its answer from the first channel."""

    training = True

    def eval(self):
        self.training = False

    def forward(self, x):
        assert not self.training
        return x[:, 0], x[:, 0], x[:, 0]


class Batches:
    def __init__(self, x, size):
        self.x, self.size = x, size

    def __len__(self):
        return -(-len(self.x) // self.size)

    def epoch(self, epoch, first_batch=0):
        for start in range(0, len(self.x), self.size):
            rows = np.arange(start, min(start + self.size, len(self.x)))[::-1]
            yield SimpleNamespace(x=self.x[rows], rows=rows)


def test_rows_find_their_arrivals():
    arrival = np.array([100, 200, np.nan, 400, np.nan])
    x = np.zeros((5, 3, 6000), np.float32)
    for row in (0, 1, 3):
        x[row, 0, int(arrival[row]) - 5 : int(arrival[row]) + 6] = 0.9
    report = evaluate(Oracle(), Batches(x, 2), table(arrival, arrival + 3)).report()
    assert report["windows"] == 5
    assert report["detection"]["f1"] == 1
    assert report["P"]["within_0.1_s"]["mae_s"] == 0
    assert round(report["S"]["within_0.1_s"]["mean_s"], 9) == -0.03


def test_rows_with_p_alone():
    """P is scored; an S pick where nobody has looked for S is neither right nor wrong."""
    p_sample, s_sample = np.array([100.0, 200, 300]), np.array([np.nan, 200, np.nan])
    x = np.zeros((3, 3, 6000), np.float32)
    for row, sample in enumerate((100, 200, 900)):
        x[row, 0, sample - 5 : sample + 6] = 0.9
    report = evaluate(Oracle(), Batches(x, 2), table(p_sample, s_sample)).report()
    counted = ("true_positive", "false_positive", "false_negative", "true_negative")
    assert [report["P"]["within_0.5_s"][name] for name in counted] == [2, 1, 1, 0]
    assert [report["S"]["within_0.5_s"][name] for name in counted] == [1, 0, 0, 0]


def test_picks_of_a_window_with_two_earthquakes_are_not_scored():
    """The network picks the second one's P, which is no mistake; that it detects something is scored."""
    x = np.zeros((2, 3, 6000), np.float32)
    x[:, 0, 895:906] = 0.9
    windows = table([100, 900], second_p=np.array([900, np.nan]))
    report = evaluate(Oracle(), Batches(x, 2), windows).report()
    assert report["detection"]["true_positive"] == 2
    assert [report["P"]["within_0.5_s"][name] for name in ("true_positive", "false_positive", "false_negative")] == [
        1,
        0,
        0,
    ]
