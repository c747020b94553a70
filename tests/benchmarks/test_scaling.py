"""The formula's parts, the formula against what was measured, and docs/scaling.md against it."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path

import numpy as np
import pytest
import scaling

ROOT = Path(__file__).resolve().parents[2]
MEASURED = json.loads(scaling.MEASURED.read_text())


@pytest.mark.parametrize("N", [2, 10, 100])
def test_the_slowest_of_many(N):
    drawn = np.random.default_rng(N).standard_normal((40_000, N)).max(axis=1)
    assert scaling.expected_maximum(N) == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 200)


def test_a_link_is_found_again():
    link = scaling.Link(2e-5, 3e9)
    found, error = scaling.fit({size: scaling.ring(3, size, link, 2) for size in (4, 10**4, 10**6)}, 3, 2)
    assert found == pytest.approx(link) and error < 1e-9


def test_a_step_alone_waits_for_nobody():
    assert scaling.step(1, 100, scaling.GPU, scaling.LINKS["Ethernet"]) == pytest.approx(2e-3 + 100 / 10_000)


def test_sums_as_measured():
    """Ranks that nothing was fitted to: half of the predictions within a quarter, all within a factor of two."""
    ratios = [model / seconds for ranks, _, seconds, model in scaling.predicted_sums(MEASURED) if ranks > 3]
    assert len(ratios) == 16 and statistics.median(abs(ratio - 1) for ratio in ratios) < 0.25
    assert all(0.5 < ratio < 2 for ratio in ratios)


def test_a_step_as_measured():
    measured, model = scaling.predicted_step(MEASURED)
    assert abs(model / measured - 1) < 0.15


def test_the_tables_of_the_docs():
    text = scaling.report(MEASURED, scaling.GPU)
    assert (scaling.RESULTS / "scaling.txt").read_text() == text, "run benchmarks/scaling.py again"
    shown = re.findall(r"```\n(.*?)```", (ROOT / "docs" / "scaling.md").read_text(), re.DOTALL)
    tables = [block for block in shown if "python " not in block]
    assert len(tables) == 2 and all(block in text for block in tables)


def test_the_figure():
    assert len(scaling.figure(scaling.GPU).axes[0].lines) == 4
