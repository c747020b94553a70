"""The paper's learning rates, epoch by epoch."""

from __future__ import annotations

import pytest

from minieqt.schedule import SCALINGS, paper_schedule, rate_factor, warm_up_factor


@pytest.mark.parametrize(
    "epoch, rate",
    [(0, 1e-3), (20, 1e-3), (21, 1e-4), (40, 1e-4), (41, 1e-5), (60, 1e-5), (61, 1e-6), (90, 1e-6), (91, 5e-7)],
)
def test_steps(epoch, rate):
    assert paper_schedule(epoch) == pytest.approx(rate, rel=1e-12)


def test_base():
    assert paper_schedule(0, base=0.5) == 0.5
    assert paper_schedule(30, base=0.5) == pytest.approx(0.05)


def test_large_batches():
    """1 at the paper's 200 windows; four times the windows: four times the rate, or twice."""
    assert [rate_factor(rule, 200) for rule in SCALINGS] == [1, 1, 1]
    assert [rate_factor(rule, 800) for rule in ("none", "linear", "sqrt")] == [1, 4, 2]


def test_warm_up():
    assert [warm_up_factor(epochs, 2) for epochs in (0.5, 1, 2, 3)] == [0.25, 0.5, 1, 1]
    assert warm_up_factor(0.1, 0) == 1
