"""An evaluation as JSON and CSV for programs, as text and Markdown for people."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from minieqt.evaluation.published import SOURCE, published
from minieqt.files import atomic_write, write_text

MISSING = "–"
STATIONS = 15  # that the table of bins shows
HEADER = ("precision", "recall", "F1", "mean (s)", "std (s)", "MAE (s)", "MAPE")
KEYS = ("precision", "recall", "f1", "mean_s", "std_s", "mae_s", "mape")
COUNTS = {
    "right": "true_positive",
    "false": "false_positive",
    "missed": "false_negative",
    "quiet": "true_negative",
}


def without_nan(value: Any) -> Any:
    """The same nested structure with None for NaN and infinity, which JSON does not know."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Write a report (see `Evaluation.report`) as JSON; NaN becomes null."""
    write_text(path, json.dumps(without_nan(report), indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, rows: Iterable[dict[str, Any]], columns: Sequence[str] = ()) -> None:
    """Write rows; what a row lacks, and NaN, stays empty. With `columns` named, no more than a row is held at once."""
    if not columns:
        rows = list(rows)
        columns = list(dict.fromkeys(column for row in rows for column in row))
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: rounded(value) for key, value in without_nan(row).items()} for row in rows)


def rounded(value: Any) -> Any:
    """Six significant digits are enough for anybody who reads a table."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def cell(value: float | None) -> str:
    """A number with three decimals, a dash for what was not counted, nothing for what does not apply."""
    if value is None:
        return ""
    return MISSING if math.isnan(value) else f"{value + 0.0:.3f}"


def table(report: dict[str, Any]) -> str:
    """The report in columns: detection, then P and S at every tolerance, then the counts behind them."""
    rows = [("detection", report["detection"])] + [
        (f"{phase} {name.replace('_', ' ')}", scores) for phase in "PS" for name, scores in report[phase].items()
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


# -- Markdown ------------------------------------------------------------------------------------------------------


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def with_interval(row: dict[str, Any], key: str) -> str:
    """ "0.933 (0.880 to 0.968)"; the number alone where there is no interval."""
    value = cell(row.get(key))
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    if low is None or high is None or math.isnan(low) or value == MISSING:
        return value
    return f"{value} ({low + 0.0:.3f} to {high + 0.0:.3f})"


def title_of(output: str, tolerance: float | None) -> str:
    """What a table is about."""
    return "Detection" if tolerance is None else f"{output} within {tolerance:g} s"


def score_tables(rows: Sequence[dict[str, Any]]) -> str:
    """One Markdown table for detection and one for each phase and tolerance, the published rows behind ours."""
    parts = []
    for output, tolerance in dict.fromkeys((row["output"], row["tolerance_s"]) for row in rows):
        own = [row for row in rows if (row["output"], row["tolerance_s"]) == (output, tolerance)]
        keys = KEYS[:3] if output == "detection" else KEYS
        header = ["", *HEADER[: len(keys)], *COUNTS, "best F1"]
        lines = [
            [f"**{row['name']}**" if row["kind"] == "network" else row["name"]]
            + [with_interval(row, key) for key in keys]
            + [str(row[count]) for count in COUNTS.values()]
            + [f"{cell(row['best_f1'])} at {row['best_threshold']:.2f}" if row["best_f1"] > 0 else MISSING]
            for row in own
        ]
        lines += [
            [f"*{row['name']}, {row['kind']}*"] + [f"{row[key]:.2f}" for key in keys] + [""] * (len(COUNTS) + 1)
            for row in published(output, tolerance or 0.5)
        ]
        parts.append(f"### {title_of(output, tolerance)}\n\n{grid(header, lines)}")
    notes = "In brackets: 95 % confidence intervals by the bootstrap over events; one without width "
    notes += "says that no window was wrong, not that none ever will be. "
    notes += "A baseline's heights are counted from its tuned threshold, so that its own is 0. "
    notes += f"In italics: {SOURCE}; other windows, no measurement of ours."
    return "\n".join([*parts, notes + "\n"])


def bin_table(rows: Sequence[dict[str, Any]]) -> str:
    """One Markdown table of a network's bins: earthquakes, recalls and errors; of the stations the first STATIONS."""
    lines = []
    stations = 0
    for row in rows:
        stations += row["quantity"] == "station"
        if stations <= STATIONS or row["quantity"] != "station":
            p, s = (row[phase]["within_0.5_s"] for phase in "PS")
            measures = [row["detection"]["recall"], p["recall"], s["recall"], p["mae_s"], s["mae_s"]]
            label = f"{row['quantity']}: {row['bin']}"
            lines.append([label, str(row["windows"]), str(row["earthquakes"]), *map(cell, measures)])
    header = ["", "windows", "earthquakes", "detection recall", "P recall", "S recall", "P MAE (s)", "S MAE (s)"]
    more = f"\n{stations - STATIONS} more stations stand in bins.csv.\n" if stations > STATIONS else ""
    return grid(header, lines) + more
