"""The model against what was measured, and docs/scaling.md against the model."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path

import scaling

ROOT = Path(__file__).resolve().parents[2]
MEASURED = json.loads(scaling.MEASURED.read_text())


def test_sums_as_measured():
    """Ranks that nothing was fitted to: half of the predictions within a quarter, all within a factor of two."""
    ratios = [model / seconds for ranks, _, seconds, model in scaling.predicted_sums(MEASURED) if ranks > 3]
    assert len(ratios) == 16 and statistics.median(abs(ratio - 1) for ratio in ratios) < 0.25
    assert all(0.5 < ratio < 2 for ratio in ratios)


def test_a_step_as_measured():
    for what in ("step (ms)", "times as fast as one"):
        measured, model = scaling.predicted_step(MEASURED)[what]
        assert abs(model / measured - 1) < 0.15, what


def test_the_tables_of_the_docs():
    text = scaling.report(MEASURED, scaling.GPU)
    assert (scaling.RESULTS / "scaling.txt").read_text() == text, "run benchmarks/scaling.py again"
    shown = re.findall(r"```\n(.*?)```", (ROOT / "docs" / "scaling.md").read_text(), re.DOTALL)
    tables = [block for block in shown if "python " not in block]
    assert len(tables) >= 6 and all(block in text for block in tables)


def test_figures(tmp_path):
    scaling.figures(scaling.GPU, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scaling.png", "scaling_step.png"]
