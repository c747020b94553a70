"""config.json and what --resume may change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from minieqt.errors import UserError
from minieqt.training.config import Config, joined, read, resumed

CONFIG = Config(data="/d/a.hdf5", csv="/d/a.csv", epochs=20, seed=7, learning_rate=3e-4)


@pytest.fixture
def folder(tmp_path):
    CONFIG.write(tmp_path)
    return tmp_path


def test_there_and_back(folder):
    assert read(folder) == CONFIG
    assert json.loads((folder / "config.json").read_text())["seed"] == 7


def test_paper_defaults():
    c = Config()
    assert (c.epochs, c.patience, c.batch_size, c.learning_rate, c.lstm_blocks) == (200, 12, None, 1e-3, 2)


def test_resume_without_options(folder):
    assert resumed(folder, {}) == CONFIG


def test_resume_with_the_same_options(folder):
    assert resumed(folder, {"seed": 7, "epochs": 20, "data": "/d/a.hdf5"}) == CONFIG


def test_resume_with_more_epochs(folder):
    assert resumed(folder, {"epochs": 30}).epochs == 30


@pytest.mark.parametrize(
    "given", [{"epochs": 19}, {"seed": 8}, {"learning_rate": 1e-3}, {"data": "/d/b.hdf5"}, {"windows": 40}]
)
def test_resume_with_a_contradiction(folder, given):
    option = "--" + next(iter(given)).replace("_", "-")
    with pytest.raises(UserError, match=option):
        resumed(folder, given)


def test_no_run(tmp_path):
    with pytest.raises(UserError, match="holds no run to resume"):
        read(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_damaged(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config\.json is damaged"):
        read(tmp_path)


@pytest.mark.parametrize("text", ['{"epochs": "one"}', '{"tf32": 1}', '{"seed": true}', '{"augment": null}'])
def test_a_setting_of_another_kind(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config\.json is damaged: (epochs|tf32|seed|augment) is"):
        read(tmp_path)


def test_paths_that_could_not_be_told_apart():
    assert joined([Path("/a"), Path("/b c")]) == "/a:/b c"
    with pytest.raises(UserError, match="rename /picks_17:00"):
        joined([Path("/a"), Path("/picks_17:00")])


def test_of_an_earlier_version(tmp_path):
    """What it did not write yet has its default, what no longer matters is passed over."""
    (tmp_path / "config.json").write_text('{"threads": 4, "seed": 7}')
    assert read(tmp_path) == Config(seed=7)


def test_of_a_later_version(tmp_path):
    (tmp_path / "config.json").write_text('{"seed": 7, "speed": 3, "ether": true}')
    with pytest.raises(UserError, match=r"config\.json holds ether, speed, which this version .* does not know"):
        read(tmp_path)
