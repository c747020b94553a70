"""Reports: valid JSON even when nothing was counted, and a table that says so with a dash."""

from __future__ import annotations

import json

import numpy as np

from minieqt.evaluation.metrics import Evaluation
from minieqt.evaluation.report import table, write_json


def one_noise_window():
    evaluation = Evaluation()
    nan = np.full(1, np.nan)
    evaluation.update((np.zeros((1, 6000)),) * 3, np.zeros(1, bool), nan, nan)
    return evaluation.report()


def test_json_has_null_for_nan(tmp_path):
    write_json(tmp_path / "metrics.json", one_noise_window())
    text = (tmp_path / "metrics.json").read_text()
    assert "NaN" not in text
    report = json.loads(text)
    assert report["detection"]["precision"] is None
    assert report["P"]["within_0.5_s"]["mae_s"] is None
    assert report["detection"]["true_negative"] == 1


def test_table_has_a_dash_for_nan():
    lines = table(one_noise_window()).splitlines()
    assert lines[0].split() == "precision recall F1 mean (s) std (s) MAE (s) MAPE".split()
    assert lines[1].split() == ["detection", "–", "–", "–"]
    assert lines[2].split() == "P within 0.5 s – – – – – – –".split()
    assert lines[6] == "detection: 0 right, 0 false, 0 missed, 1 noise windows left alone"
    assert len(lines) == 11


def test_table_shows_figures():
    evaluation = Evaluation()
    p = np.zeros((1, 6000))
    p[0, 490] = 1
    arrival = np.array([500.0])
    evaluation.update((p, p, p), np.ones(1, bool), arrival, arrival)
    row = table(evaluation.report()).splitlines()[2].split()
    assert row[-7:] == ["1.000", "1.000", "1.000", "-0.100", "0.000", "0.100", "0.020"]
