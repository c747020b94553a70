"""A `learn` that is killed between any two of its files: no version is lost, and no weights are half-written."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal

import pytest

from minieqt.errors import UserError
from minieqt.learning import versions
from minieqt.model import EQTransformer
from minieqt.weights import native

BEGUN = {"parent": "minieqt", "parent_sha256": "0", "corrections": 3, "hold_back": 0.2}
REPORT = {"comparisons": [{"gain_f1": {"value": 0.1, "low": 0.0, "high": 0.2}}], "why_not": None}


def trained(out, number):
    """A version whose training has ended."""
    folder = out / "learned" / f"{number:03d}"
    (folder / "run").mkdir(parents=True)
    (folder / "run" / "config.json").write_text("{}")
    native.save(folder / "run" / "best.h5", EQTransformer(1, length=256, seed=number))
    return folder


def killed_at(rename, action):
    """Do it in a process that dies by SIGKILL instead of a rename, counted from 0; whether it came that far."""
    process = os.fork()
    if process == 0:
        replace, done = os.replace, []

        def counted(one, other):
            if len(done) == rename:
                os.kill(os.getpid(), signal.SIGKILL)
            done.append(one)
            replace(one, other)

        os.replace = counted
        action()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


@pytest.mark.parametrize("text", [None, "", "[]", '{"parent": "minieqt"}', '{"parent'])
def test_a_damaged_beginning_is_told(text, tmp_path):
    if text is not None:
        (tmp_path / "begun.json").write_text(text)
    with pytest.raises(UserError, match=r"begun\.json is damaged .* without --resume begins anew"):
        versions.read_begun(tmp_path)


def test_a_beginning_is_read_as_it_was_written(tmp_path):
    (tmp_path / "begun.json").write_text(json.dumps(BEGUN))
    assert versions.read_begun(tmp_path) == BEGUN


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    out = tmp_path_factory.mktemp("before")
    versions.keep(trained(out, 1), BEGUN, True, REPORT)
    trained(out, 2)
    return out


@pytest.mark.parametrize("rename", range(4))  # the version's weights, its report, the newest weights, the table
@pytest.mark.parametrize("taken", [True, False])
def test_killed_between_two_files(rename, taken, before, tmp_path):
    out = shutil.copytree(before, tmp_path / "out")
    folder, newest = out / "learned" / "002", out / "learned" / "weights.h5"
    was = newest.read_bytes()
    killed = killed_at(rename, lambda: versions.keep(folder, BEGUN, taken, REPORT))
    assert killed == (rename < 3 + taken)
    assert newest.read_bytes() in (was, (folder / "weights.h5").read_bytes() if rename else was)
    with versions.alone(out):  # the killed one holds nothing
        settled = versions.settle(out)
        if versions.unfinished(out):
            assert settled is None
            versions.keep(folder, BEGUN, taken, REPORT)
    weights = {name: (out / "learned" / name / "weights.h5").read_bytes() for name in ("001", "002")}
    with open(out / "learned" / "versions.csv", newline="") as file:
        listed = {row["version"]: row["sha256"] for row in csv.DictReader(file)}
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in weights.items()}
    assert newest.read_bytes() == weights["002" if taken else "001"]
    assert versions.settle(out) is None
