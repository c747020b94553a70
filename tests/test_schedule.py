"""The paper's learning rates, epoch by epoch."""

from __future__ import annotations

import pytest

from minieqt.schedule import paper_schedule


@pytest.mark.parametrize(
    "epoch, rate",
    [(0, 1e-3), (20, 1e-3), (21, 1e-4), (40, 1e-4), (41, 1e-5), (60, 1e-5), (61, 1e-6), (90, 1e-6), (91, 5e-7)],
)
def test_steps(epoch, rate):
    assert paper_schedule(epoch) == pytest.approx(rate, rel=1e-12)


def test_base():
    assert paper_schedule(0, base=0.5) == 0.5
    assert paper_schedule(30, base=0.5) == pytest.approx(0.05)
