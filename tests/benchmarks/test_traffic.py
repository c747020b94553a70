"""The table of counted launches, and the step that is counted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import traffic

from kernels.cuda.watchers.traffic import Moved, Traffic

PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "traffic.py"
LAUNCHES = [
    Traffic("few", 2_000_000, [Moved("few.cu:3", False, False, 10, 1000, 500)]),
    Traffic(
        "many",
        4_000_000,
        [Moved("many.cu:7", False, True, 10, 500_000, 500_000), Moved("many.cu:9", True, False, 8, 8000, 2000)],
    ),
    Traffic("many", 4_000_000, [Moved("many.cu:7", False, True, 10, 500_000, 500_000)]),
]


def test_those_that_move_most_come_first():
    _, *rows = (line.split() for line in traffic.table(LAUNCHES, windows=2))
    assert rows == [
        ["many", "2", "4.00", "16.00", "100%", "4.0", "4.00"],
        ["few", "1", "1.00", "0.02", "50%", "0.0", "–"],
        ["all", "3", "5.00", "16.02", "100%", "4.0", "4.00"],
    ]


def test_lines_that_waste():
    lines = [line.split() for line in traffic.worst(LAUNCHES, windows=2, count=1)]
    assert lines[2] == ["few", "few.cu:3", "500", "250"] and lines[5] == ["many", "many.cu:9", "4000", "1000"]


def test_a_wrong_argument():
    done = subprocess.run([sys.executable, PROGRAM, "--windows", "0"], capture_output=True, text=True)
    assert done.returncode == 2 and "--windows: must lie between 1" in done.stderr
