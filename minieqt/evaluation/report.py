"""An evaluation as JSON for programs and as a table for people."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from minieqt.files import write_text

MISSING = "–"
HEADER = ("precision", "recall", "F1", "mean (s)", "std (s)", "MAE (s)", "MAPE")
KEYS = ("precision", "recall", "f1", "mean_s", "std_s", "mae_s", "mape")


def without_nan(value: Any) -> Any:
    """The same nested structure with None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Write a report (see `Evaluation.report`) as JSON; NaN becomes null."""
    write_text(path, json.dumps(without_nan(report), indent=2, allow_nan=False) + "\n")


def cell(value: float | None) -> str:
    """A number with three decimals, a dash for what was not counted, nothing for what does not apply."""
    if value is None:
        return ""
    return MISSING if math.isnan(value) else f"{value + 0.0:.3f}"


def table(report: dict[str, Any]) -> str:
    """The report in columns: detection, then P and S at every tolerance, then the counts behind them."""
    rows = [("detection", report["detection"])] + [
        (f"{phase} {name.replace('_', ' ')}", scores)
        for phase in "PS"
        for name, scores in report[phase].items()
    ]
    lines = [f"{'':<16}" + "".join(f"{title:>11}" for title in HEADER)]
    for name, scores in rows:
        lines.append(f"{name:<16}" + "".join(f"{cell(scores.get(key)):>11}" for key in KEYS))
    for name, scores in rows:
        lines.append(
            f"{name}: {scores['true_positive']} right, {scores['false_positive']} false, "
            f"{scores['false_negative']} missed, {scores['true_negative']} noise windows left alone"
        )
    return "\n".join(line.rstrip() for line in lines)
