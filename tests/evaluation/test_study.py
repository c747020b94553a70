"""Rows of the tables, and the folder that an evaluation leaves behind."""

from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest
from small_windows import NAN, answers, random_case, table

from minieqt.data.table import TEXT
from minieqt.evaluation.answers import Answers
from minieqt.evaluation.figures import spread_against_residual, wilson
from minieqt.evaluation.published import DETECTION, PHASES, published
from minieqt.evaluation.scores import Contender, scores
from minieqt.evaluation.study import Study
from minieqt.plots import save_figure

THRESHOLDS = {"detection": 0.3, "P": 0.1, "S": 0.1}
FILES = {"report.md", "scores.csv", "bins.csv", "thresholds.csv", "windows.csv", "scores.json"}
FIGURES = {f"{name}.png" for name in ("precision_recall", "residuals", "thresholds", "bins", "reliability")}


def study(rng, spread=False):
    found, windows = random_case(rng, 60)
    if spread:
        spreads = {name: rng.random(60) for name in ("detection", "P", "S", "P time", "S time")}
        found = dataclasses.replace(found, spreads=spreads)
    baseline = Answers({"P": found.heights["P"] - 0.4}, {"P": found.samples["P"]})
    contenders = [
        Contender("net", "network", found, THRESHOLDS),
        Contender("classic", "baseline", baseline, {"P": 0.0}, "1–20 Hz"),
    ]
    return Study("some windows", windows, contenders, ["A note."])


def rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_rows(rng):
    made = study(rng)
    found = scores(made.network, made.table, resamples=50)
    measured = [(row["output"], row["tolerance_s"]) for row in found]
    assert measured == [("detection", None), ("P", 0.5), ("P", 0.1), ("S", 0.5), ("S", 0.1)]
    report = made.network.report(made.table)
    for row in found:
        part = report[row["output"]]
        part = part if row["tolerance_s"] is None else part[f"within_{row['tolerance_s']}_s"]
        assert row["f1"] == part["f1"] and row["f1_low"] <= row["f1"] <= row["f1_high"] and row["best_f1"] >= row["f1"]
    (only,) = {row["output"] for row in scores(made.contenders[1], made.table, resamples=5)}
    assert only == "P"


@pytest.mark.parametrize("spread", [False, True])
def test_the_folder(rng, tmp_path, spread):
    made = study(rng, spread)
    out = tmp_path / "new" / "out"
    out.mkdir(parents=True)
    (out / "spread.png").write_bytes(b"of an evaluation before")
    made.write(out)
    expected = FILES | FIGURES | ({"spread.png"} if spread else set())
    assert {path.name for path in out.iterdir()} == expected
    text = (out / "report.md").read_text()
    assert "A note." in text and "**net**" in text and "| classic |" in text and "1–20 Hz" in text
    assert all(f"]({name})" in text for name in expected if name.endswith(".png"))
    assert text.count("*EQTransformer, published*") == 2 and "*STA/LTA, published, unverified*" in text
    table_rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in table_rows)
    numbers = json.loads((out / "scores.json").read_text())
    assert numbers["windows"] == 60 and len(numbers["scores"]) == 7
    assert (numbers["spread"] is not None) == spread
    windows = rows(out / "windows.csv")
    assert len(windows) == 60 and windows[0]["trace_name"] == "trace0"
    for row in windows:
        if row["P_residual_s"]:
            residual = (float(row["P_sample"]) - float(row["P_analyst_sample"])) / 100
            assert float(row["P_residual_s"]) == pytest.approx(residual)
    swept = rows(out / "thresholds.csv")
    assert {row["name"] for row in swept} == {"net", "classic"}
    assert len(rows(out / "scores.csv")) == 7 and "detection recall" in rows(out / "bins.csv")[0]


def test_all_noise_and_nothing_found(tmp_path):
    """Every table and figure of a data set without an earthquake, and of a network that finds nothing."""
    noise = Contender("net", "network", answers([0.9, 0.1], [(50, 0.7), None]), THRESHOLDS)
    windows = table([NAN, NAN], station=np.array(["XX.A", ""], TEXT))
    Study("noise", windows, [noise]).write(tmp_path / "noise")
    assert "2 events, 1 stations" in (tmp_path / "noise" / "report.md").read_text(encoding="utf-8")
    silent = Contender("net", "network", answers([0.0, 0.0], [None, None]), THRESHOLDS)
    Study("silence", table([1000.0, NAN]), [silent]).write(tmp_path / "silence")
    for contender in (noise, silent):
        spreads = {name: np.full(2, NAN) for name in ("P", "S", "P time", "S time")}
        sampled = dataclasses.replace(contender.answers, spreads=spreads)
        figure = spread_against_residual(dataclasses.replace(contender, answers=sampled), table([NAN, NAN]))
        save_figure(figure, tmp_path / "spread.png")
    for name in ("noise", "silence"):
        assert {path.name for path in (tmp_path / name).iterdir()} == FILES | FIGURES
        json.loads((tmp_path / name / "scores.json").read_text())
    (row,) = (r for r in rows(tmp_path / "noise" / "scores.csv") if (r["output"], r["tolerance_s"]) == ("P", "0.5"))
    assert row["recall"] == "" and float(row["precision"]) == 0 and row["true_negative"] == "1"


def test_published_rows_are_consistent():
    """F1 is what precision and recall give, to the digits that were published; PhaseNet and the rest are all there."""
    for pickers in (*PHASES.values(), DETECTION):
        for name, (precision, recall, f1, *_) in pickers.items():
            assert 2 * precision * recall / (precision + recall) == pytest.approx(f1, abs=0.016), name
    assert len(published("P", 0.5)) == 9 and not published("P", 0.1)
    assert all(row["kind"] == "published, unverified" for row in published("detection", 0.5))
    assert np.isclose(published("S", 0.5)[0]["mae_s"], 0.09)


def test_an_interval_of_a_share_holds_it():
    for total in range(1, 60):
        for right in range(total + 1):
            low, high = wilson(right, total)
            assert 0 <= low <= right / total <= high <= 1
