"""The recipe's thresholds: after calibration the published ones are the lowest good ones of the validation windows."""

from __future__ import annotations

import numpy as np
import pytest

from minieqt import EQTransformer, load_weights
from minieqt.errors import UserError
from minieqt.evaluation.answer_windows import answer_windows
from minieqt.evaluation.network_picker import NetworkPicker
from minieqt.evaluation.sweep import sweep
from minieqt.inference.peaks import THRESHOLDS
from minieqt.weights import native
from recipes.own_weights import FLAT, arguments, calibrate, main, same_options
from recipes.real_windows import rows_of, write_pair


def test_calibration_moves_the_lowest_good_thresholds_to_the_published_ones(dataset, tmp_path):
    write_pair(tmp_path / "windows", rows_of(dataset, np.arange(len(dataset))))
    names = dataset.table.name.tolist()
    for part, own in (("training", names[:5]), ("validation", names[5:-5]), ("test", names[-5:])):
        (tmp_path / f"{part}.txt").write_text("\n".join(own))
    native.save(tmp_path / "best.h5", EQTransformer(seed=3))
    calibrate(tmp_path / "best.h5", tmp_path, tmp_path / "own.h5")
    rows = np.arange(5, len(names) - 5)
    used, (answers,), _ = answer_windows([NetworkPicker(load_weights(tmp_path / "own.h5"), THRESHOLDS)], dataset, rows)
    found = sweep(answers, dataset.table.take(used), "detection", 0.5)
    good = found.threshold[found.f1 >= np.nanmax(found.f1) - FLAT["detection"]]
    assert good.min() == pytest.approx(THRESHOLDS["detection"], abs=1e-3)


def test_without_an_arrival_to_choose_by_a_threshold_stays(dataset, tmp_path):
    noise = np.flatnonzero(~dataset.table.earthquake)
    write_pair(tmp_path / "windows", rows_of(dataset, noise))
    names = dataset.table.name[noise].tolist()
    for part, own in (("training", names[:1]), ("validation", names[1:-1]), ("test", names[-1:])):
        (tmp_path / f"{part}.txt").write_text("\n".join(own))
    native.save(tmp_path / "best.h5", EQTransformer(seed=3))
    calibrate(tmp_path / "best.h5", tmp_path, tmp_path / "own.h5")
    assert native.load(tmp_path / "own.h5").vector.tobytes() == EQTransformer(seed=3).vector.tobytes()


def test_a_folder_without_a_real_set_leaves_nothing(tmp_path):
    (tmp_path / "real").mkdir()
    with pytest.raises(UserError, match="none of the real sets"):
        main(["--real", str(tmp_path / "real"), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_a_folder_is_not_gone_on_with_by_other_options(tmp_path):
    given = ["--real", str(tmp_path)]
    for _ in range(2):
        same_options(tmp_path / "options.json", arguments(given))
    for other in (["--epochs", "5"], ["--synthetic", "500"], ["--seed", "1"], ["--without", "Korea"]):
        with pytest.raises(UserError, match="was begun with other options"):
            same_options(tmp_path / "options.json", arguments(given + other))


def test_an_unknown_region_is_refused(tmp_path):
    with pytest.raises(UserError, match="Atlantis"):
        arguments(["--real", str(tmp_path), "--without", "Atlantis"])
