"""python -m minieqt weights: what there is, what is here, and what a set is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from minieqt import cli
from minieqt.errors import UserError
from minieqt.model import EQTransformer
from minieqt.weights import load_weights, locate, open_weights, save_weights
from minieqt.weights.fetch import CACHE
from minieqt.weights.published import PUBLISHED, Published, Remote


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "weights"


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setattr(locate, "OWN", tmp_path / "own.h5")
    return tmp_path / "own.h5"


def test_list(cache, own, capsys):
    assert cli.main(["weights"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "here", "size", "licence", "trained", "on", "source"]
    assert lines[1].split()[:2] == ["(none)", "no"] and lines[1].endswith(locate.OWN_NAME)
    assert [line.split()[0] for line in lines[2:-1]] == list(PUBLISHED)
    assert all(line.split()[1] == "no" for line in lines[2:-1]) and str(cache) in lines[-1]
    assert not cache.exists()
    save_weights(own, EQTransformer(lstm_blocks=1, length=256), half=True, attributes={"description": "a test"})
    cli.main(["weights"])
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split()[1] == "yes" and "a test" in line


def test_one_set(cache, monkeypatch, capsys):
    remote = Remote("net.h5", ("http://127.0.0.1:9/net.h5",))
    monkeypatch.setitem(PUBLISHED, "tiny", Published("tiny", (remote,), "very little", "MIT", "1 MB", "nobody"))
    with pytest.raises(UserError, match="no connection"):
        cli.main(["weights", "tiny"])
    cache.joinpath("tiny").mkdir(parents=True, exist_ok=True)
    save_weights(cache / "tiny" / "net.h5", EQTransformer(lstm_blocks=1, length=256))
    assert cli.main(["weights", "tiny"]) == 0
    out = capsys.readouterr().out
    assert "very little" in out and "1 BiLSTM blocks" in out and str(cache / "tiny" / "net.h5") in out
    cli.main(["weights"])
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("tiny"))
    length = (cache / "tiny" / "net.h5").stat().st_size
    assert line.split()[1:3] == ["yes", f"{length / 1e6:.1f}"]


def test_without_a_home(own, monkeypatch, capsys):
    monkeypatch.delenv(CACHE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert cli.main(["weights"]) == 0
    assert "no home folder" in capsys.readouterr().out.splitlines()[-1]


def test_one_line_for_a_mistake():
    program = [sys.executable, "-m", "minieqt", "weights", "sted"]
    bad = subprocess.run(program, capture_output=True, text=True)
    assert bad.returncode == 2 and len(bad.stderr.splitlines()) == 1 and "stead" in bad.stderr


def test_convert_to_half(tmp_path, capsys):
    """The way to the package's own file: half precision, texts kept."""
    model, full, half = EQTransformer(lstm_blocks=1, seed=2), str(tmp_path / "full.h5"), str(tmp_path / "half.h5")
    save_weights(full, model, attributes={"origin": "conservative"})
    assert cli.main(["convert", full, half, "--half", "--describe", "what it is"]) == 0
    loaded = open_weights(half)
    assert loaded.attributes == {"origin": "conservative", "description": "what it is"}
    assert loaded.model.config == model.config and 0 < abs(loaded.model.vector - model.vector).max() < 1e-3
    assert load_weights(full).vector.tobytes() == model.vector.tobytes()
    with pytest.raises(UserError, match=r"about an \.h5"):
        cli.main(["convert", full, str(tmp_path / "w.npz"), "--half"])
    with pytest.raises(UserError, match=r"--names is about an \.npz"):
        cli.main(["convert", full, str(tmp_path / "w.h5"), "--names", "seisbench"])
    model.parameters()["detection.head.b"][...] = 1e6
    save_weights(full, model)
    with pytest.raises(UserError, match=r"detection\.head\.b holds numbers"):
        cli.main(["convert", full, half, "--half", "--overwrite"])
    assert open_weights(half).attributes["description"] == "what it is"
