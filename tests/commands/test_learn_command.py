"""`learn` as a user calls it: what it keeps, what it refuses, and how it goes on."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import signal

import pytest
from review_cases import event, records, write_out

from minieqt.cli import main
from minieqt.data import open_dataset
from minieqt.data.synthetic.write import write_stead
from minieqt.errors import UserError
from minieqt.learning.versions import alone
from minieqt.model import EQTransformer
from minieqt.review.journal import Journal
from minieqt.review.state import read_out
from minieqt.training import run as run_module
from minieqt.weights import native, open_weights

MINUTES = 100
ONSETS = [(60 + 180 * k, 63 + 180 * k + k % 3) for k in range(32)]
QUICK = ["--epochs", "1", "--threads", "1", "--batch-size", "8"]


@pytest.fixture(scope="module")
def corrected(tmp_path_factory):
    """An OUT of 32 detections, a quarter of which are none, all judged."""
    folder = tmp_path_factory.mktemp("corrected")
    real = [onset for k, onset in enumerate(ONSETS) if k % 4]
    files = records(folder / "xx.aaa", real, minutes=MINUTES)
    events = [event(p - 0.5, (0.6, 0.9), (s - p + 0.5, 0.9)) for p, s in ONSETS]
    out = read_out(write_out(folder / "out", events, files))
    journal = Journal(out.path)
    for k, key in enumerate(out.events):
        journal.write("anna", key, "verdict", None, "accepted" if k % 4 else "rejected")
    return out.path


@pytest.fixture
def out(corrected, tmp_path):
    """A copy to learn in."""
    return shutil.copytree(corrected, tmp_path / "out")


def learn(out, *more):
    return main(["learn", str(out), *QUICK, *map(str, more)])


def versions(out):
    with open(out / "learned" / "versions.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_version_is_kept_with_its_origin(out, capsys):
    code = learn(out)
    printed = capsys.readouterr()
    parent = open_weights(None)
    (row,) = versions(out)
    weights = out / "learned" / "001" / "weights.h5"
    assert row["version"] == "001" and row["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert row["parent"] == parent.name
    assert row["parent_sha256"] == hashlib.sha256(parent.path.read_bytes()).hexdigest()
    with open_dataset([out / "learned" / "001" / "training.hdf5"]) as data:
        assert int(row["corrections"]) == len(data) == 32 and int(data.table.earthquake.sum()) == 24
    told = native.read(weights).attributes
    assert told["parent"] == parent.name and told["corrections"] == "32" and told["hold_back"] == "0.2"
    split = out / "learned/001/split"
    lists = [(split / f"{name}.txt").read_text().split() for name in ("training", "validation", "test")]
    names = [name for each in lists for name in each]
    assert len(names) == len(set(names)) <= 32
    report = json.loads((out / "learned/001/report.json").read_text())
    assert report["comparisons"][0]["windows"] == len(lists[2])
    assert "24 earthquakes and 8 noise windows" in printed.out and "held-back corrections" in printed.out
    taken = out / "learned" / "weights.h5"
    assert code == (0 if row["taken"] == "True" else 1)
    assert taken.exists() == (code == 0) and (code or taken.read_bytes() == weights.read_bytes())


def test_worse_weights_take_nobodys_place(out, capsys):
    (out / "learned").mkdir()
    native.save(out / "learned" / "weights.h5", EQTransformer(seed=1))
    before = (out / "learned" / "weights.h5").read_bytes()
    assert learn(out, "--learning-rate", 0.05) == 1
    told = capsys.readouterr().err
    assert "not taken: F1 on held-back corrections fell by" in told and "stays as it was" in told
    assert (out / "learned" / "weights.h5").read_bytes() == before
    assert versions(out)[0]["taken"] == "False" and (out / "learned/001/weights.h5").exists()


def test_the_next_version_begins_with_the_last_that_was_taken(out, tmp_path, capsys):
    """From nothing, anything is better or as good; its child may not hold back another part of time."""
    native.save(tmp_path / "nothing.h5", EQTransformer(seed=1))
    assert learn(out, "--weights", tmp_path / "nothing.h5") == 0
    with pytest.raises(UserError, match=r"learnt with --hold-back 0\.2"):
        learn(out, "--hold-back", 0.5)
    learn(out)
    first, second = versions(out)
    assert second["parent_sha256"] == first["sha256"] and second["parent"].endswith("001/weights.h5")


def test_old_windows_are_trained_on_and_scored(out, tmp_path, capsys):
    write_stead(tmp_path / "old.hdf5", tmp_path / "old.csv", 60, 5)
    learn(out, "--data", tmp_path / "old.hdf5", "--share", 0.75)
    printed = capsys.readouterr().out
    config = json.loads((out / "learned/001/run/config.json").read_text())
    trained = (out / "learned/001/split/training.txt").read_text().split()
    with open_dataset([out / "learned/001/training.hdf5"]) as data:
        own = set(data.table.name.tolist()) & set(trained)
    assert config["share"] == "0.25 0.75" and config["epoch_windows"] == 4 * len(own)
    assert len(trained) > len(own) and "held-back old windows" in printed
    with open_dataset([tmp_path / "old.hdf5"]) as old:
        chosen = (out / "learned/001/split/validation.txt").read_text().split()
        assert not set(chosen) & set(old.table.name.tolist())


def test_what_was_stopped_goes_on(out, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "train", lambda *args, **options: signal.SIGINT)
        assert learn(out, "--seed", 3) == 130
    assert f"go on with: python -m minieqt learn {out} --resume" in capsys.readouterr().out
    for option in ("seed", "share"):
        with pytest.raises(UserError, match=f"leave out --{option}"):
            main(["learn", str(out), "--resume", f"--{option}", "0"])
    Journal(out).write("anna", next(Journal(out).events()), "verdict", "rejected", "unsure")
    main(["learn", str(out), "--resume", "--threads", "1", "--seed", "3"])
    (row,) = versions(out)
    assert (row["version"], row["corrections"]) == ("001", "32")  # as they were when it began
    with pytest.raises(UserError, match="nothing to resume"):
        main(["learn", str(out), "--resume"])


def test_two_at_once(out, capsys):
    with alone(out), pytest.raises(UserError, match="another learn is at work"):
        learn(out)
    assert not (out / "learned").exists()


@pytest.mark.parametrize(
    "case, message",
    [
        ("no journal", "has no corrections: make some with"),
        ("nothing judged", "no training window"),
        ("all held back", "accepted earthquakes none is to learn from"),
        ("short weights", "is for windows of 256 samples"),
        ("share alone", "name them with --data"),
        ("hold back nothing", "leaves nothing to score with"),
        ("no records", "no longer where pick read them"),
    ],
)
def test_bad_input_is_one_line(case, message, corrected, tmp_path):
    out, more = shutil.copytree(corrected, tmp_path / "out"), []
    journal = out / "review.jsonl"
    if case == "no journal":
        journal.unlink()
    elif case == "nothing judged":
        journal.write_bytes(b"")
    elif case == "all held back":
        more = ["--hold-back", "0.999"]
    elif case == "short weights":
        native.save(tmp_path / "short.h5", EQTransformer(1, length=256))
        more = ["--weights", str(tmp_path / "short.h5")]
    elif case == "share alone":
        more = ["--share", "0.5"]
    elif case == "hold back nothing":
        more = ["--hold-back", "0"]
    elif case == "no records":
        for part in (out / "station_days").glob("*.json"):
            part.write_text(part.read_text().replace("xx.HH", "gone.HH"))
    with pytest.raises(UserError, match=message):
        learn(out, *more)
    assert not (out / "learned").exists()
