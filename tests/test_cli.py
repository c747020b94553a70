"""python -m minieqt: every command runs, teaches with examples, and refuses in words."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from minieqt.cli import COMMANDS, main, program
from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.training.config import Config
from minieqt.weights import native


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Twenty synthetic windows, made by the command itself."""
    name = tmp_path_factory.mktemp("data") / "made" / "small"
    assert main(["synth", "--out", str(name), "--count", "20", "--seed", "3"]) == 0
    return name


@pytest.fixture
def folder(data, tmp_path):
    """What evaluate needs of a run: its configuration and its best network."""
    Config(data=f"{data}.hdf5", csv=f"{data}.csv", split="trace").write(tmp_path)
    native.save(tmp_path / "best.h5", EQTransformer(seed=1))
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"  python -m minieqt {name}" in capsys.readouterr().out


def test_as_a_module():
    program = [sys.executable, "-m", "minieqt"]
    good = subprocess.run([*program, "--help"], capture_output=True, text=True)
    assert good.returncode == 0 and all(name in good.stdout for name in COMMANDS)
    bad = subprocess.run([*program, "summary", "--weights", "nowhere.h5"], capture_output=True, text=True)
    assert bad.returncode == 2 and len(bad.stderr.splitlines()) == 1 and "nowhere.h5: no such file" in bad.stderr
    worse = subprocess.run([*program, "summary", "--weights", __file__], capture_output=True, text=True)
    assert worse.returncode == 2 and worse.stderr.startswith("minieqt: ") and "no weight file" in worse.stderr


def test_output_into_a_closed_pipe():
    process = subprocess.Popen(
        [sys.executable, "-m", "minieqt", "summary"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141


def test_output_tells_a_name_that_is_not_utf_8(monkeypatch):
    """Where the locale is UTF-8, Python would refuse."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    monkeypatch.setattr("minieqt.commands.summary.run", lambda options: print("w\udcff.h5") or 0)
    assert program(["summary"]) == 0
    sys.stdout.flush()
    assert sys.stdout.buffer.getvalue().decode() == "w\\udcff.h5\n"


@pytest.mark.parametrize(("blocks", "total"), [("2", "371,639"), ("3", "376,423")])
def test_summary(blocks, total, capsys):
    assert main(["summary", "--lstm-blocks", blocks]) == 0
    assert f"{total} trained parameters" in capsys.readouterr().out


def test_summary_of_weights(tmp_path, capsys):
    native.save(tmp_path / "w.h5", EQTransformer(lstm_blocks=1))
    assert main(["summary", "--weights", str(tmp_path / "w.h5")]) == 0
    assert "366,855 trained parameters" in capsys.readouterr().out
    with pytest.raises(UserError, match="--lstm-blocks is about a new network"):
        main(["summary", "--weights", str(tmp_path / "w.h5"), "--lstm-blocks", "3"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["pick", ".", "--out", "o"],
        ["import", ".", "--picks", __file__, "--out", "o"],
        ["compare", "--picks", __file__, "--reference", __file__],
        ["associate", ".", "--out", "o"],
        ["review", "."],
        ["learn", "."],
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_inventory_that_is_not_there(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--stations", "nowhere.xml"])
    assert stopped.value.code == 2
    assert "nowhere.xml does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("option", [[], ["--reference"], ["--sections"], ["--magnitudes"]])
def test_associate_says_at_once_what_is_not_there(option, capsys):
    """And not after the association, which takes long."""
    picks = ["."] if option else []
    with pytest.raises(SystemExit) as stopped:
        main(["associate", *picks, *option, "nowhere", "--out", "o"])
    assert stopped.value.code == 2
    assert "nowhere does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--velocities", "iasp91", "--vp", "6"], "leave --vp and --vs out"),
        (["--velocities", "iasp91", "--vs", "3"], "leave --vp and --vs out"),
        (["--method", "gamma", "--apart", "5"], "--apart is PyOcto's"),
    ],
)
def test_associate_refuses_what_it_would_ignore(options, words):
    with pytest.raises(UserError, match=words):
        main(["associate", ".", "--out", "o", *options])


def test_synth_does_not_overwrite(data, capsys):
    before = data.with_name("small.csv").read_bytes()
    with pytest.raises(UserError, match="already there"):
        main(["synth", "--out", str(data)])
    assert main(["synth", "--out", str(data), "--count", "20", "--seed", "3", "--overwrite"]) == 0
    assert data.with_name("small.csv").read_bytes() == before


@pytest.mark.parametrize(("option", "value"), [("--count", "3"), ("--noise-fraction", "0"), ("--noise", "n.hdf5")])
def test_a_network_has_no_windows(option, value, tmp_path):
    with pytest.raises(UserError, match=f"leave {option} out"):
        main(["synth", "--network", "1", option, value, "--out", str(tmp_path / "network")])
    assert not list(tmp_path.iterdir())


def test_evaluate_a_run(folder, capsys):
    assert main(["evaluate", str(folder), "--split", "training", "--json", str(folder / "scores.json")]) == 0
    out = capsys.readouterr().out
    assert "the training split" in out and "P within 0.5 s" in out
    assert json.loads((folder / "scores.json").read_text())["windows"] == 17


def test_evaluate_weights_on_data(folder, data, capsys):
    files = ["--data", f"{data}.hdf5", "--csv", f"{data}.csv"]
    assert main(["evaluate", str(folder / "best.h5"), *files]) == 0
    assert "20 windows (14 earthquakes)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "is no run"),
        (["{folder}/best.h5"], "is no run"),
        (["{folder}", "--csv", "{data}.csv"], "give both, or neither"),
        (["{folder}", "--data", "{data}.hdf5", "--csv", "{data}.csv", "--split", "test"], "leave it out"),
        (["{folder}", "--data", "{data}.hdf5", "--weights", "{folder}/best.h5"], "nothing of .* is used"),
        (["{data}.hdf5", "--data", "{data}.hdf5", "--csv", "{data}.csv"], "does not hold the weights"),
    ],
)
def test_evaluate_refuses(arguments, words, folder, data):
    with pytest.raises(UserError, match=words):
        main(["evaluate", *(text.format(folder=folder, data=data) for text in arguments)])


def test_evaluate_published_picks(shared, folder, capsys):
    """A network that has learned nothing, on real windows: it runs, and counts all of them."""
    files = ["--data", str(shared / "data" / "stead50.hdf5"), "--csv", str(shared / "data" / "stead50.csv")]
    assert main(["evaluate", str(folder), *files]) == 0
    assert "50 windows (50 earthquakes)" in capsys.readouterr().out
