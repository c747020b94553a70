"""python -m minieqt evaluate: the figures of an independent run, its files, and mistakes in words."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from minieqt.cli import main
from minieqt.data.stead_writer import write_windows
from minieqt.data.synthetic import write_stead
from minieqt.errors import UserError
from minieqt.evaluation import tuning
from minieqt.model import EQTransformer
from minieqt.weights import native


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Twelve synthetic windows and weights: (data, csv, weights)."""
    folder = tmp_path_factory.mktemp("evaluate")
    data, table, weights = folder / "small.hdf5", folder / "small.csv", folder / "net.h5"
    write_stead(data, table, count=12, seed=4)
    native.save(weights, EQTransformer(lstm_blocks=1, seed=1))
    return data, table, weights


def evaluate(files, *more):
    data, table, weights = map(str, files)
    return main(["evaluate", "--data", data, "--csv", table, "--weights", weights, *map(str, more)])


@pytest.mark.parametrize(("name", "p", "s"), [("ncedc", 112, 110), ("stead50", 49, 50)])
def test_an_independent_runs_figures(shared, tmp_path, capsys, name, p, s):
    data = shared / "data"
    paths = data / f"{name}.hdf5", data / f"{name}.csv", shared / "weights" / "eqt_conservative.npz"
    assert evaluate(paths, "--out", tmp_path / "out") == 0
    assert f"P within 0.5 s: {p} right" in capsys.readouterr().out
    with (tmp_path / "out" / "scores.csv").open() as file:
        rows = {(row["output"], row["tolerance_s"]): row for row in csv.DictReader(file)}
    assert (rows["P", "0.5"]["true_positive"], rows["S", "0.5"]["true_positive"]) == (str(p), str(s))


def test_everything_at_once(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tuning, "TUNING_WINDOWS", 4)
    evaluate(files, "--out", tmp_path / "a", "--baselines", "--uncertainty", "2", "--json", tmp_path / "new/net.json")
    out = capsys.readouterr().out
    assert "AIC: S within 0.5 s" in out and "report.md" in out
    assert json.loads((tmp_path / "new/net.json").read_text())["windows"] == 12
    evaluate(files, "--out", tmp_path / "b", "--baselines", "--uncertainty", "2", "--batch-size", "5")
    one, other = (json.loads((tmp_path / name / "scores.json").read_text()) for name in "ab")
    for a, b in zip(one["scores"], other["scores"], strict=True):  # the same seed, whatever the batches
        assert a["name"] == b["name"] and a["true_positive"] == b["true_positive"], a["name"]
    assert len(one["contenders"]) == 8


def test_a_run(files, tmp_path, capsys):
    from minieqt.training.config import Config

    data, table, weights = files
    Config(data=str(data), csv=str(table), split="trace").write(tmp_path)
    (tmp_path / "best.h5").write_bytes(weights.read_bytes())
    assert main(["evaluate", str(tmp_path), "--split", "training"]) == 0
    assert f"the training split of {tmp_path}" in capsys.readouterr().out
    (tmp_path / "test.txt").write_text("another trace\n")  # as if windows had been added since: all would be dealt anew
    with pytest.raises(UserError, match=r"the data have changed since the run .* test\.txt is not the same split"):
        main(["evaluate", str(tmp_path)])


def test_weights_for_other_windows(files, tmp_path):
    native.save(tmp_path / "short.h5", EQTransformer(lstm_blocks=1, length=256))
    with pytest.raises(UserError, match="windows of 256 samples"):
        evaluate((*files[:2], tmp_path / "short.h5"))


def test_data_without_labels(files, tmp_path):
    lines = files[1].read_text().splitlines()
    header = lines[0].split(",")
    without = tmp_path / "unlabelled.csv"
    drop = header.index("p_arrival_sample")
    rows = [[cell for i, cell in enumerate(row) if i != drop] for row in csv.reader(lines)]
    with without.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(UserError, match="no column p_arrival_sample"):
        evaluate((files[0], without, files[2]))


def test_nothing_named_and_too_much(files):
    with pytest.raises(UserError, match="name a run's folder"):
        main(["evaluate"])
    with pytest.raises(UserError, match="is no run"):
        main(["evaluate", "--weights", str(files[2])])
    with pytest.raises(UserError, match="name one weight file"):
        main(["evaluate", str(files[2]), "--weights", str(files[2]), "--data", str(files[0])])
    with pytest.raises(UserError, match="--csv is the table"):
        main(["evaluate", str(files[2]), "--csv", str(files[1])])


def test_baselines_of_one_event_are_refused_before_the_work(tmp_path, files):
    x = np.random.default_rng(0).standard_normal((3, 6000)).astype(np.float32)
    arrivals = {"p_arrival_sample": 1000, "s_arrival_sample": 1500, "coda_end_sample": np.array([[2500.0]])}
    row = {"trace_name": "a_EV", "trace_category": "earthquake_local", "source_id": "one"} | arrivals
    paths = tmp_path / "one.hdf5", tmp_path / "one.csv"
    write_windows(*paths, [(row, x)])
    with pytest.raises(UserError, match="there is only one"):
        evaluate((*paths, files[2]), "--baselines", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_only_noise(tmp_path, files, capsys):
    rng = np.random.default_rng(0)
    rows = [
        ({"trace_name": f"n{i}_NO", "trace_category": "noise"}, rng.standard_normal((3, 6000)).astype(np.float32))
        for i in range(3)
    ]
    paths = tmp_path / "noise.hdf5", tmp_path / "noise.csv"
    write_windows(*paths, rows)
    assert evaluate((*paths, files[2]), "--out", tmp_path / "out") == 0
    assert "3 windows (0 earthquakes)" in capsys.readouterr().out
