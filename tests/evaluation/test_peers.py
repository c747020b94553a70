"""SeisBench's networks as rows, where SeisBench is installed; words where it is not."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from minieqt.data import open_dataset
from minieqt.errors import UserError
from minieqt.evaluation.answer_windows import answer_windows
from minieqt.evaluation.metrics import Evaluation
from minieqt.evaluation.peers import SeisBenchModel

THRESHOLDS = {"detection": 0.3, "P": 0.1, "S": 0.1}


def test_without_seisbench(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(UserError, match="pip install seisbench"):
        SeisBenchModel("PhaseNet=some.pt", THRESHOLDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [("PhaseNet", "wants MODEL=FILE"), ("NoNet=x.pt", "no model 'NoNet'"), ("PhaseNet=nowhere.pt", "does not exist")],
)
def test_mistakes(text, words):
    pytest.importorskip("seisbench")
    with pytest.raises(UserError, match=words):
        SeisBenchModel(text, THRESHOLDS)


def test_weights_of_another_model(shared):
    pytest.importorskip("seisbench")
    with pytest.raises(UserError, match="does not hold the weights of a GPD"):
        SeisBenchModel(f"GPD={shared / 'weights' / 'seisbench_pnw.pt'}", THRESHOLDS)


def test_eqtransformer_on_real_windows(shared):
    pytest.importorskip("seisbench")
    peer = SeisBenchModel(f"EQTransformer={shared / 'weights' / 'seisbench_pnw'}", THRESHOLDS)
    dataset = open_dataset(shared / "data" / "stead50.hdf5", shared / "data" / "stead50.csv")
    used, (found,), _ = answer_windows([peer], dataset, np.arange(8))
    table = dataset.table.take(used)
    evaluation = Evaluation()
    evaluation.add(found, table.earthquake, table.p_sample, table.s_sample)
    report = evaluation.report()
    assert report["P"]["within_0.5_s"]["true_positive"] >= 6 and report["detection"]["true_positive"] >= 6


def test_a_picker_without_detection(shared, tmp_path):
    seisbench = pytest.importorskip("seisbench.models")
    seisbench.PhaseNet(phases="NPS").save(str(tmp_path / "net"))
    peer = SeisBenchModel(f"PhaseNet={tmp_path / 'net.pt'}", THRESHOLDS)
    found = peer(np.random.default_rng(0).standard_normal((2, 3, 6000)).astype(np.float32), 0)
    assert set(found.heights) == {"P", "S"} and (found.samples["P"] >= 0).all() and len(found) == 2
